//! What commands tell terminals beside the tables: pauses, the technician's PIN, the office's key.

use manyi_collector::hall::check_paused;
use manyi_collector::store::OfficeStore;

use crate::options::{import, told, with};
use crate::support::{Centre, office_secret};

#[tokio::test]
async fn a_pause_and_a_pin_reach_the_terminal_at_once_and_outlive_an_import() {
    let centre = Centre::new().await;
    let (mut here, mut there) = (centre.tablet("A01").await, centre.tablet("A02").await);
    let hall = here.hall.clone();
    let window = here.window.clone();
    let pause = |text: &str| {
        let (hall, window) = (hall.clone(), window.clone());
        centre.store.pause_window(hall, window, text.to_owned())
    };
    assert_eq!(pause("午休").await.expect("stored"), 2);
    assert_eq!(
        pause("午休").await.expect("stored"),
        2,
        "nothing is different"
    );
    let pin = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".to_owned();
    let set = centre
        .store
        .set_technician_pin(hall.clone(), None, Some(pin.clone()));
    assert_eq!(set.await.expect("stored"), 3);
    let version = import(&centre, &with("elder = true\n")).await;
    assert_eq!(version, 4);
    let (at_a01, at_a02) = (
        told(&centre, &mut here).await,
        told(&centre, &mut there).await,
    );
    assert_eq!(at_a01.options().paused.as_deref(), Some("午休"));
    assert_eq!(at_a02.options().paused, None);
    assert_eq!(at_a02.options().technician_pin, Some(pin));
    assert_eq!(at_a02.options().elder, Some(true));

    let resume = || centre.store.resume_window(hall.clone(), window.clone());
    assert_eq!(resume().await.expect("stored"), Ok(5));
    let refused = resume().await.expect("stored").expect_err("is not paused");
    assert!(refused.to_string().contains("not paused"));
    assert_eq!(told(&centre, &mut here).await.options().paused, None);
    import(&centre, &with("[windows.A01]\npaused = \"\"\n")).await;
    let refused = resume()
        .await
        .expect("stored")
        .expect_err("the file pauses it");
    assert!(refused.to_string().contains("profile.toml"), "{refused}");
}

#[tokio::test]
async fn another_key_of_the_office_reaches_every_terminal() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let key = manyi_shared::wire::OfficeSecret::from_seed(&[4; 32]).public();
    let adopt = || centre.store.adopt_office_key(key, 0);
    assert!(adopt().await.expect("stored"));
    assert!(!adopt().await.expect("stored"), "it is the one already");
    let profile = told(&centre, &mut tablet).await;
    assert_eq!(profile.options().office_key, Some(*key.as_bytes()));
    // Back from a backup: the old one is in use again.
    let old = centre.store.adopt_office_key(office_secret().public(), 0);
    assert!(old.await.expect("stored"));
    let profile = told(&centre, &mut tablet).await;
    let key = office_secret().public();
    assert_eq!(profile.options().office_key, Some(*key.as_bytes()));
}

#[test]
fn a_text_that_no_page_can_show_does_not_pause_a_window() {
    check_paused("").expect("the terminal has words of its own");
    check_paused("午休，13:30 恢复").expect("a text");
    check_paused(&"长".repeat(201)).expect_err("too long");
    check_paused("a\u{7}b").expect_err("a control character");
}
