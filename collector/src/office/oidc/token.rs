//! What a token of the login service must be. Pure.

use jsonwebtoken::jwk::{JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

/// Signatures that are taken: those that a key published by the service verifies. Never `none`,
/// and no HMAC, whose key would be no secret.
const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far the service's clock may be off.
const SKEW_S: i64 = 60;

/// The longest subject (`OpenID` Connect Core 1.0 §2).
const MAX_SUBJECT: usize = 255;

/// What the token has to repeat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now_ms: i64,
    pub(super) roles_claim: &'e str,
}

/// Who somebody is at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) subject: String,
    /// What the service calls them, for a new user here.
    pub(super) name: Option<String>,
    /// The values of the roles' claim.
    pub(super) roles: Vec<String>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is no token")]
    Form,
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    #[error("the service has no such key")]
    UnknownKey,
    #[error("its signature does not verify")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it was issued in the future")]
    Early,
    #[error("it answers another login")]
    Nonce,
    #[error("it names nobody")]
    Subject,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: String,
    preferred_username: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Takes a token, when everything about it is right (`OpenID` Connect Core 1.0 §3.1.3.7).
pub(super) fn check(
    id_token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
) -> Result<Claims, Refusal> {
    let body = verified(id_token, keys)?;
    let now_s = expected.now_ms.div_euclid(1000);
    let for_us = |audience: &String| audience == expected.client_id;
    let is_for_us = match &body.aud {
        Audience::One(audience) => for_us(audience),
        Audience::Many(all) => {
            let authorised = body.azp.as_ref().is_some_and(for_us);
            all.iter().any(for_us) && (all.len() == 1 || authorised)
        }
    };
    let rules = [
        (body.iss == expected.issuer, Refusal::Issuer),
        (
            is_for_us && body.azp.as_ref().is_none_or(for_us),
            Refusal::Audience,
        ),
        (body.exp.saturating_add(SKEW_S) > now_s, Refusal::Expired),
        (body.iat.saturating_sub(SKEW_S) <= now_s, Refusal::Early),
        (body.nonce == expected.nonce, Refusal::Nonce),
        (
            (1..=MAX_SUBJECT).contains(&body.sub.len()),
            Refusal::Subject,
        ),
    ];
    if let Some((_, refusal)) = rules.into_iter().find(|(kept, _)| !kept) {
        return Err(refusal);
    }
    let roles = match body.rest.get(expected.roles_claim) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => {
            let texts = all.iter().filter_map(Value::as_str);
            texts.map(ToOwned::to_owned).collect()
        }
        _ => Vec::new(),
    };
    Ok(Claims {
        subject: body.sub,
        name: body.preferred_username,
        roles,
    })
}

/// The body, when a key of the service signed it.
fn verified(id_token: &str, keys: &JwkSet) -> Result<Body, Refusal> {
    let header = id_token.split('.').next().unwrap_or_default();
    if header.is_empty() {
        return Err(Refusal::Form);
    }
    // A header that names no algorithm we know, `none` among them, cannot be read.
    let header = decode_header(id_token).map_err(|_| Refusal::Algorithm)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Algorithm);
    }
    let signing = keys.keys.iter().filter(|key| {
        let public_use = key.common.public_key_use.as_ref();
        public_use.is_none_or(|of| *of == PublicKeyUse::Signature)
    });
    let mut named = signing.filter(|key| match &header.kid {
        Some(kid) => key.common.key_id.as_ref() == Some(kid),
        // Without a name there must be one key only.
        None => keys.keys.len() == 1,
    });
    let key = named.next().ok_or(Refusal::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refusal::UnknownKey)?;
    // Times and names are checked against our clock and configuration, not by the library.
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Body>(id_token, &key, &validation)
        .map(|token| token.claims)
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
            jsonwebtoken::errors::ErrorKind::InvalidSignature => Refusal::Signature,
            _ => Refusal::Form,
        })
}
