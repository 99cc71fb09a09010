//! Addresses as people write them.

use std::net::IpAddr;

use reqwest::Url;

use super::LinkError;

/// The collector's address: http or https, a host, and no more than a path.
pub(super) fn base_url(text: &str) -> Result<Url, LinkError> {
    let fault = |problem: &str| LinkError::Url {
        url: text.to_owned(),
        problem: problem.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| fault(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fault("it must begin with http:// or https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault("it must end before any ? or #"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("it must not hold a user name or password"));
    }
    Ok(url)
}

/// Checks an address without using it.
///
/// # Errors
/// [`LinkError::Url`].
pub fn check_url(text: &str) -> Result<(), LinkError> {
    base_url(text).map(drop)
}

/// Checks that an address is one of this machine, without using it.
///
/// # Errors
/// [`LinkError::Url`].
pub fn check_local(text: &str) -> Result<(), LinkError> {
    if is_this_machine(&base_url(text)?) {
        return Ok(());
    }
    Err(LinkError::Url {
        url: text.to_owned(),
        problem: "it must be this machine's".to_owned(),
    })
}

pub(crate) fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Link, LinkOptions};
    use super::*;

    #[rstest::rstest]
    #[case::plain("http://127.0.0.1:8080", true)]
    #[case::six("http://[::1]:8080", true)]
    #[case::name("http://localhost", true)]
    #[case::other("https://rate.example.cn/manyi", false)]
    #[case::looks_alike("https://localhost.example.cn", false)]
    fn this_machine_is_recognised(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_this_machine(&base_url(url).unwrap()), expected);
    }

    #[test]
    fn prompts_never_leave_this_machine() {
        check_local("http://127.0.0.1:7310/v1/prompts").unwrap();
        check_local("http://192.168.1.2:7310/v1/prompts").unwrap_err();
    }

    #[rstest::rstest]
    #[case::no_scheme("rate.example.cn")]
    #[case::other_scheme("ftp://rate.example.cn")]
    #[case::query("https://rate.example.cn/?a=1")]
    #[case::password("https://a:b@rate.example.cn")]
    fn an_address_that_is_no_collectors_is_refused(#[case] url: &str) {
        let error = Link::new(url, &LinkOptions::default()).unwrap_err();
        assert!(error.to_string().contains(url), "{error}");
    }
}
