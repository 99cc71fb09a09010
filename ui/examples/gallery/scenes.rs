//! Every page in every state that a person can meet, with invented people and places.

use manyi_ui::{
    AskAdapter, EnrolmentAdapter, EnrolmentField, EnrolmentProblem, EnrolmentStage, GlassAdapter,
    IdleAdapter, KioskWindow, Light, OutOfServiceAdapter, OutOfServiceReason, Page, PausedAdapter,
    PhoneAdapter, PhoneState, ReasonsAdapter, Tag, TechnicianAdapter, TechnicianNotice,
    TechnicianStage, ThanksAdapter,
};
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{
    ComponentHandle as _, Global as _, Image, LogicalPosition, ModelRc, Rgba8Pixel,
    SharedPixelBuffer, VecModel,
};

/// One state of one page.
pub(crate) struct Scene {
    /// Groups the scenes; one sheet per page.
    pub(crate) page: &'static str,
    /// Unique within the page.
    pub(crate) name: &'static str,
    pub(crate) shows: Page,
    /// False for pages that only staff read: one language, plain type.
    pub(crate) for_citizens: bool,
    /// Brings a fresh window, which shows the page already, into the state.
    pub(crate) set: Box<dyn Fn(&KioskWindow)>,
}

/// The pages in the order in which people meet them.
pub(crate) const PAGES: [&str; 9] = [
    "idle",
    "ask",
    "reasons",
    "phone",
    "thanks",
    "paused",
    "out-of-service",
    "enrolment",
    "technician",
];

pub(crate) fn scenes() -> Vec<Scene> {
    let mut all = Vec::new();
    idle(&mut all);
    ask(&mut all);
    reasons(&mut all);
    phone(&mut all);
    thanks_and_paused(&mut all);
    out_of_service(&mut all);
    enrolment(&mut all);
    technician(&mut all);
    all
}

/// Adds scenes of one page.
struct Album<'a> {
    all: &'a mut Vec<Scene>,
    page: &'static str,
    shows: Page,
    for_citizens: bool,
}

impl Album<'_> {
    fn add(&mut self, name: &'static str, set: impl Fn(&KioskWindow) + 'static) {
        self.all.push(Scene {
            page: self.page,
            name,
            shows: self.shows,
            for_citizens: self.for_citizens,
            set: Box::new(set),
        });
    }
}

const LONG_HALL: &str = "新疆维吾尔自治区乌鲁木齐市沙依巴克区政务服务和公共资源交易中心";
const LONG_WINDOW: &str = "不动产登记与个人住房公积金联办综合受理窗口";
const LONG_ITEM: &str = "国有建设用地使用权及房屋所有权转移登记（存量房买卖）";

fn idle(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "idle",
        shows: Page::Idle,
        for_citizens: true,
    };
    album.add("plain", |_| {});
    album.add("photo", |window| {
        let idle = IdleAdapter::get(window);
        idle.set_staff_photo(portrait());
        idle.set_staff_has_photo(true);
        idle.set_staff_stars(4);
    });
    album.add("long", |window| {
        let idle = IdleAdapter::get(window);
        idle.set_hall_name(LONG_HALL.into());
        idle.set_window_number("B108".into());
        idle.set_window_name(LONG_WINDOW.into());
        idle.set_staff_name("阿依古丽·买买提依明".into());
        idle.set_staff_number("6501030127".into());
        idle.set_staff_post("不动产登记综合受理岗".into());
    });
    album.add("nobody", |window| {
        let idle = IdleAdapter::get(window);
        idle.set_staff_name("".into());
        idle.set_staff_number("".into());
        idle.set_staff_post("".into());
        idle.set_clock("".into());
    });
    album.add("announcement", |window| {
        let idle = IdleAdapter::get(window);
        idle.set_announcement(1);
        idle.set_announcement_text(
            "3 月 5 日起，身份证换领可在任一综合窗口办理，无需回户籍地。".into(),
        );
    });
    album.add("announcement-picture", |window| {
        let idle = IdleAdapter::get(window);
        idle.set_announcement(2);
        idle.set_announcement_picture(portrait());
        idle.set_announcement_has_picture(true);
    });
    album.add("clerk-asks", |window| {
        IdleAdapter::get(window).set_clerk_may_ask(true);
    });
    album.add("dim", |window| {
        GlassAdapter::get(window).set_light(Light::Dim);
    });
}

fn ask(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "ask",
        shows: Page::Ask,
        for_citizens: true,
    };
    album.add("plain", |_| {});
    album.add("correcting", |window| {
        AskAdapter::get(window).set_correcting(true);
    });
    album.add("long-mirrored", |window| {
        let ask = AskAdapter::get(window);
        ask.set_item_name(LONG_ITEM.into());
        ask.set_window_number("B108".into());
        ask.set_window_name(LONG_WINDOW.into());
        ask.set_staff_name("阿依古丽·买买提依明".into());
        ask.set_staff_number("6501030127".into());
        ask.set_mirrored(true);
    });
    album.add("bare", |window| {
        let ask = AskAdapter::get(window);
        ask.set_item_name("".into());
        ask.set_staff_name("".into());
        ask.set_staff_number("".into());
    });
}

fn reasons(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "reasons",
        shows: Page::Reasons,
        for_citizens: true,
    };
    const LEVELS: [(&str, u8); 5] = [
        ("level-5", 5),
        ("level-4", 4),
        ("level-3", 3),
        ("level-2", 2),
        ("level-1", 1),
    ];
    for (name, level) in LEVELS {
        album.add(name, move |window| {
            ReasonsAdapter::get(window).set_tags(ModelRc::new(VecModel::from(tags(level))));
        });
    }
    album.add("office-words", |window| {
        let mut own = tags(1);
        for tag in &mut own {
            tag.text = "办公室自己写的一个比较长的选项，写了两行".into();
        }
        ReasonsAdapter::get(window).set_tags(ModelRc::new(VecModel::from(own)));
    });
    album.add("required", |window| {
        ReasonsAdapter::get(window).set_required(true);
    });
    album.add("code", |window| {
        let reasons = ReasonsAdapter::get(window);
        reasons.set_code(code());
        reasons.set_has_code(true);
    });
    for (name, state) in [
        ("phone-offered", PhoneState::Offered),
        ("phone-kept", PhoneState::Kept),
    ] {
        album.add(name, move |window| {
            let reasons = ReasonsAdapter::get(window);
            reasons.set_phone(state);
            reasons.set_code(code());
            reasons.set_has_code(true);
        });
    }
}

fn phone(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "phone",
        shows: Page::Phone,
        for_citizens: true,
    };
    for (name, digits, can_keep) in [
        ("empty", "", false),
        ("begun", "138", false),
        ("ready", "13800001234", true),
        ("long", "0571123456781234567890", true),
    ] {
        album.add(name, move |window| {
            let phone = PhoneAdapter::get(window);
            phone.set_digits(digits.into());
            phone.set_can_keep(can_keep);
        });
    }
}

fn thanks_and_paused(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "thanks",
        shows: Page::Thanks,
        for_citizens: true,
    };
    for (name, can_correct) in [("correctable", true), ("final", false)] {
        album.add(name, move |window| {
            ThanksAdapter::get(window).set_can_correct(can_correct);
        });
    }
    album.page = "paused";
    album.shows = Page::Paused;
    album.add("plain", |_| {});
    album.add("by-clerk", |window| {
        PausedAdapter::get(window).set_clerk_may_end(true);
    });
    album.add("bare", |window| {
        let paused = PausedAdapter::get(window);
        paused.set_text("".into());
        paused.set_contact("".into());
        paused.set_window_number("".into());
    });
    album.add("long", |window| {
        let paused = PausedAdapter::get(window);
        paused.set_window_name(LONG_WINDOW.into());
        paused.set_text(
            "本窗口因系统升级暂停受理。身份证、户口簿和居住证业务请到一楼 13 至 16 号窗口，\
             不动产登记业务请到二楼 201 室，其他业务请在大厅总服务台重新取号。给您带来不便，敬请谅解。"
                .into(),
        );
        paused.set_clerk_may_end(true);
    });
}

fn out_of_service(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "out-of-service",
        shows: Page::OutOfService,
        for_citizens: true,
    };
    for (name, reason) in [
        ("not-enrolled", OutOfServiceReason::NotEnrolled),
        ("journal-unreadable", OutOfServiceReason::JournalUnreadable),
        ("journal-newer", OutOfServiceReason::JournalNewerVersion),
        ("storage-full", OutOfServiceReason::StorageFull),
        ("revoked", OutOfServiceReason::Revoked),
        ("font-missing", OutOfServiceReason::FontMissing),
        ("not-kept", OutOfServiceReason::NotKept),
        ("other", OutOfServiceReason::Other),
    ] {
        album.add(name, move |window| {
            OutOfServiceAdapter::get(window).set_reason(reason);
        });
    }
}

fn enrolment(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "enrolment",
        shows: Page::Enrolment,
        for_citizens: false,
    };
    album.add("fresh", |_| {});
    album.add("ready", |window| filled(window, EnrolmentField::Code));
    album.add("long-address", |window| {
        filled(window, EnrolmentField::Address);
        EnrolmentAdapter::get(window).set_address(
            "https://satisfaction-rating.government-services.linjiang.example.cn:8443/manyi/collector/".into(),
        );
    });
    for (name, stage) in [
        ("asking", EnrolmentStage::Asking),
        ("done", EnrolmentStage::Done),
    ] {
        album.add(name, move |window| {
            filled(window, EnrolmentField::Code);
            EnrolmentAdapter::get(window).set_stage(stage);
        });
    }
    for (name, problem) in [
        ("address-malformed", EnrolmentProblem::AddressMalformed),
        ("code-malformed", EnrolmentProblem::CodeMalformed),
        ("daemon-silent", EnrolmentProblem::DaemonSilent),
        ("unreachable", EnrolmentProblem::Unreachable),
        ("certificate", EnrolmentProblem::Certificate),
        ("not-a-collector", EnrolmentProblem::NotACollector),
        ("code-refused", EnrolmentProblem::CodeRefused),
        ("too-many-tries", EnrolmentProblem::TooManyTries),
        ("office-error", EnrolmentProblem::OfficeError),
        ("storage", EnrolmentProblem::Storage),
        ("other", EnrolmentProblem::Other),
    ] {
        album.add(name, move |window| {
            filled(window, EnrolmentField::Code);
            let enrolment = EnrolmentAdapter::get(window);
            enrolment.set_problem(problem);
            enrolment.set_detail(
                "POST https://rate.example.cn/v1/enrol: connection refused (os error 111)".into(),
            );
        });
    }
}

fn filled(window: &KioskWindow, field: EnrolmentField) {
    let enrolment = EnrolmentAdapter::get(window);
    enrolment.set_address("https://rate.example.cn".into());
    enrolment.set_code("7KX2-9QWM".into());
    enrolment.set_field(field);
    enrolment.set_can_submit(true);
}

fn technician(all: &mut Vec<Scene>) {
    let mut album = Album {
        all,
        page: "technician",
        shows: Page::Technician,
        for_citizens: false,
    };
    album.add("pin", |_| {});
    album.add("pin-typed", |window| {
        TechnicianAdapter::get(window).set_typed(6);
    });
    album.add("pin-wrong", |window| {
        TechnicianAdapter::get(window).set_wrong(true);
    });
    album.add("pin-locked", |window| {
        TechnicianAdapter::get(window).set_locked_seconds(240);
    });
    album.add("no-pin", |window| {
        TechnicianAdapter::get(window).set_no_pin(true);
    });
    for (name, notice, detail) in [
        ("facts", TechnicianNotice::None, ""),
        ("self-test-running", TechnicianNotice::SelfTestRunning, ""),
        ("self-test-good", TechnicianNotice::SelfTestGood, ""),
        (
            "self-test-failed",
            TechnicianNotice::SelfTestFailed,
            "clock: 431 s ahead of the collector",
        ),
        ("exporting", TechnicianNotice::Exporting, ""),
        (
            "exported",
            TechnicianNotice::Exported,
            "/media/usb0/manyi-5b0c6f0e-8812.tar.zst",
        ),
        ("no-medium", TechnicianNotice::NoMedium, ""),
        (
            "export-failed",
            TechnicianNotice::ExportFailed,
            "/media/usb0: no space left on device (os error 28)",
        ),
        ("restarting", TechnicianNotice::Restarting, ""),
    ] {
        album.add(name, move |window| {
            let technician = TechnicianAdapter::get(window);
            technician.set_stage(TechnicianStage::Facts);
            technician.set_notice(notice);
            technician.set_detail(detail.into());
        });
    }
    album.add("facts-paused", |window| {
        let technician = TechnicianAdapter::get(window);
        technician.set_stage(TechnicianStage::Facts);
        technician.set_paused(true);
    });
    tests_of_the_glass(&mut album);
}

fn tests_of_the_glass(album: &mut Album<'_>) {
    album.add("touch-test", |window| {
        TechnicianAdapter::get(window).set_stage(TechnicianStage::TouchTest);
    });
    album.add("touch-test-touched", |window| {
        TechnicianAdapter::get(window).set_stage(TechnicianStage::TouchTest);
        crate::shots::settle();
        tap(window, 120.0, 80.0);
        tap(window, 320.0, 300.0);
        wipe(window, 40.0, 460.0, 500.0);
    });
    const STEPS: [(&str, usize); 8] = [
        ("screen-1-white", 0),
        ("screen-2-black", 1),
        ("screen-3-red", 2),
        ("screen-4-green", 3),
        ("screen-5-blue", 4),
        ("screen-6-greys", 5),
        ("screen-7-columns", 6),
        ("screen-8-rows", 7),
    ];
    for (name, taps) in STEPS {
        album.add(name, move |window| {
            TechnicianAdapter::get(window).set_stage(TechnicianStage::ScreenTest);
            crate::shots::settle();
            for _ in 0..taps {
                tap(window, 60.0, 300.0);
            }
        });
    }
}

fn tap(window: &KioskWindow, x: f32, y: f32) {
    wipe(window, x, x, y);
}

fn wipe(window: &KioskWindow, from: f32, to: f32, y: f32) {
    let button = PointerEventButton::Left;
    let send = |event| window.window().dispatch_event(event);
    let mut position = LogicalPosition::new(from, y);
    send(WindowEvent::PointerPressed { position, button });
    while position.x < to {
        position.x += 12.0;
        send(WindowEvent::PointerMoved { position });
    }
    send(WindowEvent::PointerReleased { position, button });
    crate::shots::settle();
}

/// The national tags of a level, every third chosen.
fn tags(level: u8) -> Vec<Tag> {
    let text = include_str!("../../../shared/data/tags.csv");
    let mut tags = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',').skip(1);
        if fields.next() != Some(&level.to_string()) {
            continue;
        }
        if let Some(code) = fields.next() {
            tags.push(Tag {
                code: code.into(),
                text: "".into(),
                chosen: tags.len() % 3 == 1,
            });
        }
    }
    tags
}

/// Head and shoulders of nobody.
fn portrait() -> Image {
    let (width, height) = (300_u32, 400_u32);
    picture(width, height, |x, y| {
        let (across, down) = (f64::from(x) - 150.0, f64::from(y));
        let head = across.powi(2) + (down - 150.0).powi(2) < 70.0_f64.powi(2);
        let body = across.powi(2) / 1.2 + (down - 400.0).powi(2) < 150.0_f64.powi(2);
        if head || body {
            Rgba8Pixel::new(70, 98, 128, 255)
        } else {
            Rgba8Pixel::new(214, 224, 235, 255)
        }
    })
}

/// Looks like a QR code and means nothing.
fn code() -> Image {
    const MODULES: u32 = 29;
    picture(MODULES * 8, MODULES * 8, |x, y| {
        let (column, row) = (x / 8, y / 8);
        let (near_x, near_y) = (column.min(MODULES - 1 - column), row.min(MODULES - 1 - row));
        let corner = near_x < 7 && near_y < 7 && !(column > MODULES / 2 && row > MODULES / 2);
        let ring = near_x.abs_diff(3).max(near_y.abs_diff(3));
        let dark = if corner {
            ring != 2
        } else {
            (column * 7 + row * 11 + column * row * 5) % 3 == 0
        };
        let shade = if dark { 0 } else { 255 };
        Rgba8Pixel::new(shade, shade, shade, 255)
    })
}

fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Rgba8Pixel) -> Image {
    let mut buffer = SharedPixelBuffer::<Rgba8Pixel>::new(width, height);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    for (slot, (x, y)) in buffer.make_mut_slice().iter_mut().zip(places) {
        *slot = pixel(x, y);
    }
    Image::from_rgba8(buffer)
}
