//! What must hold for any grants at any places.

use proptest::prelude::*;

use super::*;

/// A small organisation with everything that can be confused: two provinces, two halls of one
/// county, the same department and window ids in each hall.
const HALLS: [(&str, &str); 4] = [
    ("371581-01", "371581"),
    ("371581-02", "371581"),
    ("371502-01", "371502"),
    ("410105-01", "410105"),
];
const REGIONS: [&str; 6] = ["370000", "371500", "371581", "371502", "410000", "410105"];
const WINDOWS: [(&str, &str); 3] = [("A01", "D1"), ("A02", "D1"), ("B01", "D2")];

fn tree() -> Tree {
    let mut tree = Tree::default();
    for (hall, region) in HALLS {
        tree.put_hall(hall.parse().unwrap(), RegionCode::new(region).unwrap());
        for (window, department) in WINDOWS {
            let window = window.parse().unwrap();
            tree.put_window(hall.parse().unwrap(), window, department.parse().unwrap());
        }
    }
    tree
}

/// Every place of the organisation, each with the chain of places above it, itself first.
fn places() -> Vec<(Place, Vec<Place>)> {
    let mut all = vec![(Place::Everywhere, vec![Place::Everywhere])];
    let above = |code: &str| -> Vec<Place> {
        let mut chain: Vec<Place> = [6, 4, 2]
            .into_iter()
            .map(|digits| Place::Region(RegionCode::new(&code[..digits]).unwrap()))
            .collect();
        chain.dedup();
        chain.push(Place::Everywhere);
        chain
    };
    for code in REGIONS {
        let own = Place::Region(RegionCode::new(code).unwrap());
        let chain = above(code);
        let from = chain.iter().position(|place| *place == own).unwrap();
        all.push((own, chain[from..].to_vec()));
    }
    for (hall, region) in HALLS {
        let hall: HallId = hall.parse().unwrap();
        let mut chain = above(region);
        chain.insert(0, Place::Hall(hall.clone()));
        all.push((Place::Hall(hall.clone()), chain.clone()));
        for department in ["D1", "D2"] {
            let own = Place::Department(hall.clone(), department.parse().unwrap());
            let mut chain = chain.clone();
            chain.insert(0, own.clone());
            for (window, _) in WINDOWS.iter().filter(|(_, of)| *of == department) {
                let own = Place::Window(hall.clone(), window.parse().unwrap());
                let mut chain = chain.clone();
                chain.insert(0, own.clone());
                all.push((own, chain));
            }
            all.push((own, chain));
        }
    }
    all
}

fn any_place() -> impl Strategy<Value = (Place, Vec<Place>)> {
    prop::sample::select(places())
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let role = prop::sample::select(Role::ALL.to_vec());
    let permissions = prop::collection::vec(
        prop::sample::select(Permission::all().collect::<Vec<_>>()),
        0..4,
    );
    (any_place(), role, prop::option::of(permissions)).prop_map(|((place, _), role, of_token)| {
        match of_token {
            None => Grant::role(role, place),
            Some(permissions) => Grant::permissions_at(permissions.into_iter().collect(), place),
        }
    })
}

fn access(grants: Vec<Grant>) -> Access {
    Access::new(Who::User("u".to_owned()), grants, tree())
}

#[test]
fn one_role_at_one_place_gives_exactly_its_row_there_and_below() {
    let places = places();
    for role in Role::ALL {
        for (granted, _) in &places {
            let access = access(vec![Grant::role(role, granted.clone())]);
            for (asked, above) in &places {
                for permission in Permission::all() {
                    let expected = role.may(permission) && above.contains(granted);
                    let said = format!(
                        "{} at {granted}: {} at {asked}",
                        role.name(),
                        permission.name()
                    );
                    assert_eq!(access.allows(permission, asked), expected, "{said}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn several_grants_give_what_each_gives_and_no_more(
        grants in prop::collection::vec(any_grant(), 0..5),
        (asked, above) in any_place(),
    ) {
        let access = access(grants.clone());
        for permission in Permission::all() {
            let expected = grants.iter().any(|grant| {
                grant.permissions().contains(permission) && above.contains(&grant.place)
            });
            prop_assert_eq!(access.allows(permission, &asked), expected);
            prop_assert_eq!(access.require(permission, &asked).is_ok(), expected);
        }
    }

    #[test]
    fn a_refusal_tells_of_a_place_only_to_whom_it_concerns(
        grants in prop::collection::vec(any_grant(), 0..4),
        (asked, above) in any_place(),
    ) {
        let access = access(grants.clone());
        let below = |place: &Place| {
            let places = places();
            let (_, chain) = places.iter().find(|(own, _)| own == place).unwrap().clone();
            chain.contains(&asked)
        };
        let concerned = grants
            .iter()
            .any(|grant| above.contains(&grant.place) || below(&grant.place));
        for permission in Permission::all() {
            match access.require(permission, &asked) {
                Ok(()) => {}
                Err(Refused::NotHere) => prop_assert!(!concerned),
                Err(Refused::NotAllowed(named)) => {
                    prop_assert!(concerned);
                    prop_assert_eq!(named, permission);
                }
            }
        }
    }

    #[test]
    fn halls_and_scopes_say_the_same_as_single_questions(
        grants in prop::collection::vec(any_grant(), 0..5),
    ) {
        let access = access(grants);
        for permission in Permission::all() {
            let halls = access.halls(permission);
            for (hall, _) in HALLS {
                let hall: HallId = hall.parse().unwrap();
                let inside: Vec<_> = places()
                    .into_iter()
                    .map(|(place, _)| place)
                    .filter(|place| place.hall() == Some(&hall))
                    .collect();
                let some = inside.iter().any(|place| access.allows(permission, place));
                prop_assert_eq!(halls.contains(&hall), some);
                prop_assert!(!some || access.somewhere(permission));
                match access.scope(permission, &hall) {
                    Scope::Nothing => prop_assert!(!some),
                    Scope::Whole => prop_assert!(access.allows(permission, &Place::Hall(hall))),
                    Scope::Parts { departments, windows } => {
                        prop_assert!(!access.allows(permission, &Place::Hall(hall.clone())));
                        for place in inside {
                            let listed = match &place {
                                Place::Department(_, d) => departments.contains(d),
                                Place::Window(_, w) => {
                                    let (_, of) = WINDOWS.iter().find(|(id, _)| *id == w.as_str()).unwrap();
                                    windows.contains(w) || departments.contains(&of.parse().unwrap())
                                }
                                _ => false,
                            };
                            prop_assert_eq!(access.allows(permission, &place), listed, "{}", place);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn without_a_grant_there_is_nothing() {
    let access = access(Vec::new());
    for (place, _) in places() {
        for permission in Permission::all() {
            assert_eq!(
                access.require(permission, &place),
                Err(Refused::NotHere),
                "{place}"
            );
        }
    }
    assert_eq!(
        access.require_somewhere(Permission::SeeScores),
        Err(Refused::NotAllowed(Permission::SeeScores))
    );
}
