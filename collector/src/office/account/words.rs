//! Words of the account's pages.

use crate::office::language::Language;

macro_rules! words {
    ($name:ident { $($field:ident: $zh:literal, $en:literal;)* }) => {
        /// The words of one language.
        #[derive(Debug)]
        pub(in crate::office) struct $name { $(pub(in crate::office) $field: &'static str,)* }

        const ZH: $name = $name { $($field: $zh,)* };
        const EN: $name = $name { $($field: $en,)* };

        impl $name {
            pub(in crate::office) const fn of(language: Language) -> &'static Self {
                match language {
                    Language::Chinese => &ZH,
                    Language::English => &EN,
                }
            }
        }
    };
}
pub(in crate::office) use words;

words!(AccountWords {
    title: "我的账号", "My account";
    roles: "角色", "Roles";
    no_roles: "尚未分配角色，请联系管理员。", "No roles yet; ask an administrator.";
    language: "语言", "Language";
    save: "保存", "Save";
    password: "密码", "Password";
    change_password: "修改密码", "Change password";
    no_password: "此账号只能通过统一身份认证登录。", "This account logs in through the login service only.";
    factor: "二次验证", "Second factor";
    factor_on: "已启用。登录时除密码外还需输入验证码。", "On. A login needs a code besides the password.";
    factor_off: "未启用。启用后，仅有密码无法登录。", "Off. With it, the password alone opens nothing.";
    factor_set_up: "启用二次验证", "Set up the second factor";
    factor_anew: "更换设备或更新恢复码", "Change the device or renew the codes";
    factor_remove: "停用", "Switch off";
    codes_left: "剩余恢复码：", "Recovery codes left: ";
    scan: "请用验证器应用扫描二维码", "Scan the code with an authenticator app";
    type_in: "无法扫描时，请手动输入密钥：", "Or type this key into the app:";
    confirm: "再输入应用显示的六位验证码", "Then type the six digits that the app shows";
    confirm_button: "确认", "Confirm";
    code_wrong: "验证码不正确。请核对设备时间后重试。", "The code is wrong. Check the device's clock and try again.";
    password_wrong: "密码不正确。", "The password is wrong.";
    own_password: "当前密码", "Current password";
    codes_title: "恢复码", "Recovery codes";
    codes_advice: "设备遗失时，每个恢复码可代替验证码使用一次。请抄写或打印后妥善保存：此后不再显示。", "If you lose the device, each of these stands in for a code once. Write them down or print them now: they are not shown again.";
    done: "已保存，返回", "I kept them; back";
    sessions: "登录会话", "Sessions";
    device: "设备", "Device";
    network: "网络", "Network";
    since: "登录时间", "Since";
    last_use: "最近使用", "Last use";
    this_one: "当前会话", "this one";
    end: "结束", "End";
    end_others: "结束其他所有会话", "End all others";
    link: "关联登录服务：", "Link with: ";
    back: "返回", "Back";
});
