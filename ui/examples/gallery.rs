//! Draws every page at the three supported sizes into PNG files, for people to look at.
//!
//! `cargo run -p manyi-ui --example gallery -- OUTDIR`
//!
//! The program starts itself a second time with `FONTCONFIG_FILE` set, so that the pictures are
//! drawn with the shipped fonts only, whatever fonts the machine has.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use i_slint_backend_testing::{TestingBackend, TestingBackendOptions};
use manyi_ui::{
    AskAdapter, IdleAdapter, KioskWindow, OutOfServiceAdapter, OutOfServiceReason, Page,
    ReasonsAdapter, Tag, fonts,
};
use slint::{ComponentHandle as _, Global as _, ModelRc, PhysicalSize, VecModel};

const SIZES: [(u32, u32); 3] = [(1280, 800), (1024, 600), (800, 1280)];

const REASONS: [(&str, OutOfServiceReason); 7] = [
    ("not-enrolled", OutOfServiceReason::NotEnrolled),
    ("journal-unreadable", OutOfServiceReason::JournalUnreadable),
    ("journal-newer", OutOfServiceReason::JournalNewerVersion),
    ("storage-full", OutOfServiceReason::StorageFull),
    ("font-missing", OutOfServiceReason::FontMissing),
    ("not-kept", OutOfServiceReason::NotKept),
    ("other", OutOfServiceReason::Other),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("usage: gallery OUTDIR")?);
    std::fs::create_dir_all(&out)?;
    if std::env::var_os("MANYI_GALLERY_CHILD").is_some() {
        return draw(&out);
    }
    let config = fonts::write_fontconfig(&fonts::locate(None)?, &out)?;
    let status = Command::new(std::env::current_exe()?)
        .arg(&out)
        .env("MANYI_GALLERY_CHILD", "1")
        .env("FONTCONFIG_FILE", config)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("drawing failed: {status}").into())
    }
}

fn draw(out: &Path) -> Result<(), Box<dyn Error>> {
    slint::platform::set_platform(Box::new(TestingBackend::new(TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    })))?;
    for (width, height) in SIZES {
        let window = KioskWindow::new()?;
        window.show()?;
        window.window().set_size(PhysicalSize::new(width, height));
        let save = |name: &str, page: Page| -> Result<(), Box<dyn Error>> {
            window.set_page(page);
            i_slint_backend_testing::mock_elapsed_time(std::time::Duration::ZERO);
            write_png(&window, &out.join(format!("{width}x{height}-{name}.png")))
        };

        save("idle", Page::Idle)?;
        let idle = IdleAdapter::get(&window);
        idle.set_hall_name("新疆维吾尔自治区乌鲁木齐市沙依巴克区政务服务和公共资源交易中心".into());
        idle.set_window_number("B108".into());
        idle.set_window_name("不动产登记与个人住房公积金联办综合受理窗口".into());
        idle.set_staff_name("阿依古丽·买买提依明".into());
        idle.set_staff_number("6501030127".into());
        idle.set_staff_post("不动产登记综合受理岗".into());
        save("idle-long", Page::Idle)?;
        idle.set_staff_name("".into());
        idle.set_staff_number("".into());
        idle.set_staff_post("".into());
        idle.set_clock("".into());
        save("idle-nobody", Page::Idle)?;

        save("ask", Page::Ask)?;
        let ask = AskAdapter::get(&window);
        ask.set_item_name("国有建设用地使用权及房屋所有权转移登记（存量房买卖）".into());
        ask.set_window_number("B108".into());
        ask.set_window_name("不动产登记与个人住房公积金联办综合受理窗口".into());
        ask.set_staff_name("阿依古丽·买买提依明".into());
        ask.set_staff_number("6501030127".into());
        ask.set_mirrored(true);
        save("ask-long-mirrored", Page::Ask)?;
        ask.set_item_name("".into());
        ask.set_staff_name("".into());
        ask.set_staff_number("".into());
        save("ask-bare", Page::Ask)?;

        for level in (1..=5).rev() {
            let tags = tags(level)?;
            ReasonsAdapter::get(&window).set_tags(ModelRc::new(VecModel::from(tags)));
            save(&format!("reasons-{level}"), Page::Reasons)?;
        }
        save("thanks", Page::Thanks)?;
        for (name, reason) in REASONS {
            OutOfServiceAdapter::get(&window).set_reason(reason);
            save(&format!("out-{name}"), Page::OutOfService)?;
        }
        window.hide()?;
    }
    Ok(())
}

fn tags(level: u8) -> Result<Vec<Tag>, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/tags.csv");
    let text = std::fs::read_to_string(path)?;
    let mut tags = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',').skip(1);
        if fields.next() != Some(&level.to_string()) {
            continue;
        }
        let (Some(code), Some(name)) = (fields.next(), fields.next()) else {
            continue;
        };
        tags.push(Tag {
            code: code.into(),
            text: name.into(),
            chosen: tags.len() % 3 == 1,
        });
    }
    Ok(tags)
}

fn write_png(window: &KioskWindow, path: &Path) -> Result<(), Box<dyn Error>> {
    let pixels = window.window().take_snapshot()?;
    let mut encoder = png::Encoder::new(File::create(path)?, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()?
        .write_image_data(pixels.as_bytes())?;
    Ok(())
}
