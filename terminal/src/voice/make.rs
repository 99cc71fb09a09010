//! Clips by espeak-ng, so that a tablet speaks before anybody has recorded a voice.
//!
//! **Crash**: a clip is written beside its place, checked and renamed, so a clip that is there is
//! whole.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use manyi_shared::tablet::{FileError, ensure_folder};

use super::find::Folders;
use super::wave::{Wave, WaveError};
use crate::outputs::Clip;

/// A language: its tag, espeak-ng's voice, and what it says for each of [`Clip::ALL`].
pub struct Language {
    /// The tag, also the folder's name.
    pub tag: &'static str,
    voice: &'static str,
    sentences: [&'static str; 9],
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Language").field(&self.tag).finish()
    }
}

/// The eight languages of the pages. Levels go from 1 to 5, as in [`Clip::ALL`].
///
/// The plain Mandarin voice of espeak-ng 1.51 reads characters as English letters; the pinyin one
/// reads them right, traditional ones too. Its Japanese voice knows kana alone.
pub const LANGUAGES: [Language; 8] = [
    Language {
        tag: "zh-Hans",
        voice: "cmn-latn-pinyin",
        sentences: [
            "您好，您的业务已全部办结，请对我们的服务进行评价，谢谢！",
            "谢谢！",
            "非常不满意",
            "不满意",
            "基本满意",
            "满意",
            "非常满意",
            "您的评价未能保存，请告知窗口工作人员。",
            "请重新选择您的评价。",
        ],
    },
    Language {
        tag: "zh-Hant",
        voice: "cmn-latn-pinyin",
        sentences: [
            "您好，您的業務已全部辦結，請對我們的服務進行評價，謝謝！",
            "謝謝！",
            "非常不滿意",
            "不滿意",
            "基本滿意",
            "滿意",
            "非常滿意",
            "您的評價未能保存，請告知窗口工作人員。",
            "請重新選擇您的評價。",
        ],
    },
    Language {
        tag: "en",
        voice: "en-gb",
        sentences: [
            "Hello. Your matter has been dealt with. Please rate our service. Thank you!",
            "Thank you!",
            "Very dissatisfied",
            "Dissatisfied",
            "Basically satisfied",
            "Satisfied",
            "Very satisfied",
            "Your rating was not kept. Please tell the clerk.",
            "Please choose your rating again.",
        ],
    },
    Language {
        tag: "ja",
        voice: "ja",
        sentences: [
            "おてつづきは すべて おわりました。わたしたちの サービスを ひょうかしてください。",
            "ありがとうございました。",
            "ひじょうに ふまん",
            "ふまん",
            "おおむね まんぞく",
            "まんぞく",
            "ひじょうに まんぞく",
            "ひょうかを ほぞんできませんでした。まどぐちの かかりいんに おしらせください。",
            "ひょうかを もういちど おえらびください。",
        ],
    },
    Language {
        tag: "ar",
        voice: "ar",
        sentences: [
            "مرحباً، لقد أُنجزت معاملتكم. نرجو تقييم خدمتنا. شكراً لكم!",
            "شكراً لكم!",
            "غير راضٍ جداً",
            "غير راضٍ",
            "راضٍ إلى حد ما",
            "راضٍ",
            "راضٍ جداً",
            "لم يُحفظ تقييمكم. نرجو إبلاغ الموظف.",
            "يرجى اختيار تقييمكم من جديد.",
        ],
    },
    Language {
        tag: "fr",
        voice: "fr-fr",
        sentences: [
            "Bonjour. Votre démarche est terminée. Merci d'évaluer notre service.",
            "Merci !",
            "Très insatisfait",
            "Insatisfait",
            "Plutôt satisfait",
            "Satisfait",
            "Très satisfait",
            "Votre avis n'a pas été enregistré. Veuillez prévenir l'agent.",
            "Veuillez choisir à nouveau votre évaluation.",
        ],
    },
    Language {
        tag: "hi",
        voice: "hi",
        sentences: [
            "नमस्ते। आपका काम पूरा हो गया है। कृपया हमारी सेवा का मूल्यांकन करें। धन्यवाद!",
            "धन्यवाद!",
            "बहुत असंतुष्ट",
            "असंतुष्ट",
            "लगभग संतुष्ट",
            "संतुष्ट",
            "बहुत संतुष्ट",
            "आपका मूल्यांकन सहेजा नहीं गया। कृपया कर्मचारी को बताएँ।",
            "कृपया अपना मूल्यांकन फिर से चुनें।",
        ],
    },
    Language {
        tag: "ug",
        voice: "ug",
        sentences: [
            "ياخشىمۇسىز، ئىشىڭىز پۈتتى. مۇلازىمىتىمىزگە باھا بېرىڭ، رەھمەت!",
            "رەھمەت!",
            "ئىنتايىن نارازى",
            "نارازى",
            "ئاساسەن رازى",
            "رازى",
            "ئىنتايىن رازى",
            "باھايىڭىز ساقلانمىدى، خىزمەتچىگە ئېيتىڭ.",
            "باھايىڭىزنى قايتا تاللاڭ.",
        ],
    },
];

/// Words a minute: slower than espeak-ng's 175, for a hall's noise and for old ears.
const SPEED: &str = "150";

/// Why a clip could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The folder cannot be made.
    #[error("the clips have no place")]
    Folder(#[from] FileError),
    /// There is no espeak-ng.
    #[error("espeak-ng cannot be started; install it (apt-get install espeak-ng)")]
    Start(#[source] std::io::Error),
    /// It did not make the clip.
    #[error("espeak-ng made no clip `{clip}` with voice `{voice}`: {said}")]
    Failed {
        /// The clip's file.
        clip: PathBuf,
        /// The voice.
        voice: &'static str,
        /// What it said.
        said: String,
    },
    /// What it made is no clip.
    #[error("espeak-ng made something else")]
    NoClip(#[from] WaveError),
    /// What it made is silent.
    #[error("espeak-ng made no sound for `{clip}` with voice `{voice}`")]
    Silent {
        /// The clip's file.
        clip: PathBuf,
        /// The voice.
        voice: &'static str,
    },
    /// The clip cannot be put in its place.
    #[error("could not rename clip `{clip}`")]
    Rename {
        /// The clip's file.
        clip: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Nobody takes the output.
    #[error("could not write the output")]
    Output(#[from] std::io::Error),
}

/// Makes every clip of every language under a folder, and says so; clips that are there are
/// replaced.
///
/// # Errors
/// [`MakeError`] at the first clip that could not be made; those before it stand.
pub fn all(folder: &Path, out: &mut dyn Write) -> Result<(), MakeError> {
    for language in &LANGUAGES {
        for clip in Clip::ALL {
            one(folder, language, clip)?;
        }
        let count = Clip::ALL.len();
        writeln!(
            out,
            "{}: {count} clips",
            folder.join(language.tag).display()
        )?;
    }
    Ok(out.flush()?)
}

/// Makes the clips that neither the tablet nor its package has; answers how many.
///
/// # Errors
/// [`MakeError`] at the first clip that could not be made; those before it stand.
pub fn missing(folder: &Path, folders: &Folders) -> Result<usize, MakeError> {
    let mut made = 0;
    for language in &LANGUAGES {
        for clip in Clip::ALL {
            if !folders.has(clip, language.tag) {
                one(folder, language, clip)?;
                made += 1;
            }
        }
    }
    Ok(made)
}

/// Makes the missing clips beside the running terminal, after everything that is more urgent.
pub fn in_background(folder: PathBuf, folders: Folders) {
    let make = move || {
        // Of this thread and the programs it starts alone; the screen comes first.
        if let Err(error) = rustix::process::nice(19) {
            tracing::debug!("clips are made at full priority: {error}");
        }
        match missing(&folder, &folders) {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, folder = %folder.display(), "clips made"),
            Err(error) => {
                let why = crate::recorder::chain(&error);
                tracing::info!("some clips are missing, and nothing is said for them: {why}");
            }
        }
    };
    let thread = std::thread::Builder::new().name("clips".to_owned());
    if let Err(error) = thread.spawn(make) {
        tracing::warn!("no clips are made: {error}");
    }
}

fn one(folder: &Path, language: &Language, clip: Clip) -> Result<(), MakeError> {
    let folder = folder.join(language.tag);
    ensure_folder(&folder)?;
    let place = folder.join(format!("{}.wav", clip.name()));
    let beside = folder.join(format!("{}.new", clip.name()));
    let sentence = Clip::ALL
        .iter()
        .zip(language.sentences)
        .find_map(|(known, sentence)| (*known == clip).then_some(sentence))
        .unwrap_or_default();
    let voice = language.voice;
    let done = Command::new("espeak-ng")
        .args(["-v", voice, "-s", SPEED, "-w"])
        .args([beside.as_os_str(), "--".as_ref(), sentence.as_ref()])
        .stdin(Stdio::null())
        .output()
        .map_err(MakeError::Start)?;
    if !done.status.success() {
        return Err(MakeError::Failed {
            clip: place,
            voice,
            said: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        });
    }
    let wave = Wave::read(&beside)?;
    if wave
        .samples
        .iter()
        .all(|sample| sample.unsigned_abs() < 100)
    {
        return Err(MakeError::Silent { clip: place, voice });
    }
    std::fs::rename(&beside, &place).map_err(|source| MakeError::Rename {
        clip: place,
        source,
    })
}

#[cfg(test)]
mod tests {
    use manyi_shared::tablet::DataDir;

    use super::*;
    use crate::voice::find;

    /// Whether this machine has espeak-ng; a machine of ours that has not would be a fault of its
    /// package list, which `deploy/lib/machine.sh` holds.
    fn espeak() -> bool {
        let there = Command::new("espeak-ng").arg("--version").output().is_ok();
        assert!(
            there || std::env::var_os("CI").is_none(),
            "espeak-ng is missing"
        );
        there
    }

    #[test]
    fn every_clip_of_every_language_is_made_and_heard() {
        if !espeak() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let folders = Folders::of(&data, None);
        let own = find::own(&data);
        let wanted = LANGUAGES.len() * Clip::ALL.len();
        assert_eq!(missing(&own, &folders).unwrap(), wanted);
        assert_eq!(missing(&own, &folders).unwrap(), 0);
        for language in &LANGUAGES {
            for clip in Clip::ALL {
                let file = folders.files(clip, language.tag).next().unwrap();
                let wave = Wave::read(&file).unwrap();
                let tenths = wave.samples.len() * 10 / usize::try_from(wave.rate).unwrap();
                assert!(
                    (2..150).contains(&tenths),
                    "{}: {tenths}/10 s",
                    file.display()
                );
            }
        }
        // Nothing half-made is left.
        let left = std::fs::read_dir(own.join("en")).unwrap().count();
        assert_eq!(left, Clip::ALL.len());
    }

    #[test]
    fn every_sentence_is_its_own() {
        for language in &LANGUAGES {
            let sentences: std::collections::BTreeSet<_> = language.sentences.into();
            assert_eq!(sentences.len(), Clip::ALL.len(), "{}", language.tag);
        }
    }

    #[test]
    fn the_levels_are_said_as_they_are_written() {
        let chinese = &LANGUAGES[0];
        for level in manyi_shared::domain::Level::ALL {
            let at = Clip::ALL
                .iter()
                .position(|clip| *clip == Clip::Level(level.number()));
            assert_eq!(chinese.sentences[at.unwrap()], level.name_zh());
        }
    }
}
