//! Logging in through another service (`OpenID` Connect), as configured.

use std::path::PathBuf;

use serde::Deserialize;

use crate::access::{Grant, Place, Role};

/// A login service, and what its users may do here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The service's address, exactly as its tokens name it.
    pub issuer: String,
    /// As what the service knows this collector.
    pub client_id: String,
    /// The file with the secret that goes with it.
    pub client_secret_file: PathBuf,
    /// Where the service sends people back: this collector's address with `/login/oidc/callback`.
    pub redirect_uri: String,
    /// What the button on the login page says.
    pub button: String,
    /// The claim that tells a person's groups or roles.
    #[serde(default)]
    pub roles_claim: String,
    /// Roles here, by values of that claim.
    #[serde(default)]
    pub roles: Vec<ClaimedRole>,
    /// Whether somebody whom the service sends and nobody here knows becomes a user.
    #[serde(default)]
    pub add_users: bool,
}

/// A role for whoever has a value in the claim.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedRole {
    /// The value.
    pub claim: String,
    /// The role's name.
    pub role: String,
    /// The place, as `hall:371581-01`.
    pub place: String,
}

impl ClaimedRole {
    /// The role as granted; none when role or place cannot be read.
    #[must_use]
    pub fn grant(&self) -> Option<Grant> {
        let place: Place = self.place.parse().ok()?;
        Role::from_name(&self.role).map(|role| Grant::role(role, place))
    }
}

impl OidcConfig {
    /// The first key that cannot be used, its value, and what is allowed.
    pub(super) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let https = "an address that begins with https:// (http:// on this machine only)";
        let addresses = [
            ("oidc.issuer", &self.issuer),
            ("oidc.redirect_uri", &self.redirect_uri),
        ];
        let open = addresses.into_iter().find(|(_, address)| !is_safe(address));
        if let Some((key, address)) = open {
            return Some((key, address.clone(), https));
        }
        if self.client_id.is_empty() {
            return Some(("oidc.client_id", String::new(), "what the service calls us"));
        }
        let wrong = self.roles.iter().find(|role| role.grant().is_none())?;
        Some((
            "oidc.roles",
            format!("{} at {}", wrong.role, wrong.place),
            "roles and places as in `manyi-collector user add --help`",
        ))
    }
}

/// Whether nobody on the way can read or change what is sent there.
pub(crate) fn is_safe(address: &str) -> bool {
    let local = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    let is_local = |prefix: &&str| {
        let rest = address.strip_prefix(*prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    address.starts_with("https://") || local.iter().any(is_local)
}
