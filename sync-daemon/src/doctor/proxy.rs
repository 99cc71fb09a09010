//! Which proxy the HTTP client uses for an address, and why.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use super::Check;
use crate::link::is_this_machine;
use crate::settings::ProxyChoice;

/// The variables that the HTTP client obeys, in its order.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// What is connected to first: the proxy, when one is used.
pub(super) fn examine(url: &Url, choice: &ProxyChoice) -> (Check, Option<Url>) {
    let none = |why: &str| (Check::ok("proxy", format!("none: {why}")), None);
    if is_this_machine(url) {
        return none("the collector is on this machine");
    }
    match choice {
        ProxyChoice::None => none("the configuration says so"),
        ProxyChoice::System => match from_environment(url) {
            Some(proxy) => used(&proxy, &format!("{} says so", set_variables())),
            None if set_variables().is_empty() => {
                none("neither the configuration nor the environment names one")
            }
            None => none(&format!(
                "{} or NO_PROXY leaves this address out",
                set_variables()
            )),
        },
        ProxyChoice::At(proxy) => used(proxy, "the configuration says so"),
    }
}

fn used(proxy: &str, why: &str) -> (Check, Option<Url>) {
    // The HTTP client takes `host:port`, too.
    let text = if proxy.contains("://") {
        proxy.to_owned()
    } else {
        format!("http://{proxy}")
    };
    match Url::parse(&text) {
        Ok(url) if url.host_str().is_some() => {
            let said = format!("{}: {why}", shown(&url));
            (Check::ok("proxy", said), Some(url))
        }
        _ => {
            let next = "set `proxy` to an address such as http://proxy.hall.example.cn:3128, to \
                        \"none\" or to \"system\"";
            let found = format!("{why}, but its value is no address of a proxy");
            (Check::bad("proxy", found, next), None)
        }
    }
}

/// Without user and password.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let password = match url.username() {
        "" => "",
        _ => " (with a password)",
    };
    format!("{}://{host}:{port}{password}", url.scheme())
}

fn from_environment(url: &Url) -> Option<String> {
    let destination = url.as_str().parse().ok()?;
    let found = Matcher::from_env().intercept(&destination)?;
    Some(found.uri().to_string())
}

fn set_variables() -> String {
    let set: Vec<&str> = VARIABLES
        .into_iter()
        .filter(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()))
        .collect();
    set.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[rstest::rstest]
    #[case::none(
        "https://a.cn",
        ProxyChoice::None,
        Verdict::Ok,
        "none: the configuration says so"
    )]
    #[case::here("http://127.0.0.1:1", ProxyChoice::At("http://b:1".to_owned()), Verdict::Ok, "none: the collector is on this machine")]
    #[case::set("https://a.cn", ProxyChoice::At("http://b:1".to_owned()), Verdict::Ok, "http://b:1: the configuration says so")]
    #[case::bare("https://a.cn", ProxyChoice::At("b:1".to_owned()), Verdict::Ok, "http://b:1: the configuration says so")]
    #[case::secret("https://a.cn", ProxyChoice::At("http://u:geheim@b:1".to_owned()), Verdict::Ok, "http://b:1 (with a password): the configuration says so")]
    #[case::nonsense("https://a.cn", ProxyChoice::At("http://".to_owned()), Verdict::Bad, "the configuration says so, but its value is no address of a proxy")]
    fn the_proxy_in_use_is_told_with_its_reason(
        #[case] url: &str,
        #[case] choice: ProxyChoice,
        #[case] verdict: Verdict,
        #[case] found: &str,
    ) {
        let (check, _) = examine(&Url::parse(url).unwrap(), &choice);
        assert_eq!((check.verdict, check.found.as_str()), (verdict, found));
    }
}
