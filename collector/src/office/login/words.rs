//! Words of the login's second step.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct LoginWords {
    pub(in crate::office) title: &'static str,
    pub(in crate::office) advice: &'static str,
    pub(in crate::office) code: &'static str,
    pub(in crate::office) refused: &'static str,
    pub(in crate::office) go_on: &'static str,
    pub(in crate::office) other: &'static str,
}

const ZH: LoginWords = LoginWords {
    title: "二次验证",
    advice: "请输入验证器应用显示的六位验证码；若设备不在身边，可输入一个恢复码。",
    code: "验证码或恢复码",
    refused: "验证码不正确或已使用。请等待下一个验证码后重试。",
    go_on: "继续",
    other: "使用其他账号登录",
};

const EN: LoginWords = LoginWords {
    title: "Second step",
    advice: "Type the six digits that your authenticator app shows. Without the device, type one of your recovery codes.",
    code: "Code or recovery code",
    refused: "The code is wrong or was used already. Wait for the next one and try again.",
    go_on: "Continue",
    other: "Log in as somebody else",
};

impl LoginWords {
    pub(in crate::office) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
