//! The first user of the office pages.

use super::secret::{self, SecretError};
use crate::store::users::OfficeUser;
use crate::store::{StoreError, UserStore};

/// The name of the first user.
pub const FIRST_USER: &str = "office";

/// Why there is no first user.
#[derive(Debug, thiserror::Error)]
pub enum FirstUserError {
    /// Its password could not be made.
    #[error("could not make the first password")]
    Secret(#[from] SecretError),
    /// It could not be kept.
    #[error("could not keep the first user")]
    Store(#[from] StoreError),
}

/// Makes the user `office` with a one-time password, which is returned and kept nowhere else; `None`
/// when there is a user already.
///
/// # Errors
/// [`FirstUserError`]; nothing was changed.
pub async fn create_first_user(
    store: &dyn UserStore,
    now_ms: i64,
) -> Result<Option<String>, FirstUserError> {
    let password = secret::one_time_password()?;
    let user = OfficeUser {
        name: FIRST_USER.to_owned(),
        password_hash: secret::hash(password.clone()).await?,
        must_change: true,
        ..OfficeUser::default()
    };
    let added = store.add_first_user(user, now_ms).await?;
    Ok(added.then_some(password))
}
