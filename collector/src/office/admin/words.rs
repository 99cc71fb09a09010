//! Words of the administration, with the names of roles, permissions, places and actions.

use crate::access::{Grant, Permission, Place, Role};
use crate::audit::Action;
use crate::office::account::words::words;
use crate::office::language::Language;

words!(AdminWords {
    title: "管理", "Administration";
    people: "人员", "People";
    tokens: "接口令牌", "API tokens";
    audit: "审计日志", "Audit log";
    back: "返回", "Back";
    save: "保存", "Save";
    user: "用户名", "User name";
    user_rule: "字母、汉字、数字及 . _ - @，不超过 64 个字符；此后不能更改。", "Letters, digits and . _ - @, at most 64; it cannot be changed later.";
    full_name: "姓名", "Name";
    roles: "角色与范围", "Roles and places";
    role: "角色", "Role";
    place: "范围", "Place";
    place_rule: "从列表选择，或输入 everywhere、region:区划代码、hall:大厅、department:大厅:部门、window:大厅:窗口。", "Choose from the list, or type everywhere, region:CODE, hall:HALL, department:HALL:DEPARTMENT or window:HALL:WINDOW.";
    no_role: "（无）", "(none)";
    state: "状态", "State";
    last_login: "最近登录", "Last login";
    never: "从未", "never";
    enabled: "正常", "enabled";
    disabled: "已停用", "disabled";
    factor: "二次验证", "Second factor";
    yes: "是", "yes";
    no: "否", "no";
    add_user: "添加人员", "Add a user";
    added: "已添加，一次性密码：", "Added; the one-time password of ";
    reset_done: "一次性密码：", "One-time password of ";
    password_advice: "请通过可靠方式告知本人。此密码只显示这一次，首次登录必须修改。", "Tell it to the person in a way that nobody else hears. It is shown this once, and must be changed at the first login.";
    disable: "停用", "Disable";
    enable: "恢复", "Enable";
    reset: "重置密码", "Reset password";
    reset_advice: "重置后，原密码、二次验证和全部会话立即失效。", "Password, second factor and all sessions end at once.";
    sessions: "登录会话", "Sessions";
    end_sessions: "结束全部会话", "End all sessions";
    no_sessions: "当前没有登录。", "Not logged in anywhere.";
    device: "设备", "Device";
    network: "网络", "Network";
    since: "登录时间", "Since";
    last_use: "最近使用", "Last use";
    token_name: "名称", "Name";
    permissions: "权限", "Permissions";
    expires: "到期日", "Expires";
    expires_rule: "留空则长期有效，直至吊销。", "Leave empty for a token that holds until it is revoked.";
    created: "创建", "Made";
    add_token: "创建令牌", "Make a token";
    token_made: "令牌：", "Token ";
    token_advice: "请立即保存。系统只保存其摘要，不会再次显示。", "Keep it now: it is stored as a digest and cannot be shown again.";
    revoke: "吊销", "Revoke";
    valid: "有效", "valid";
    revoked: "已吊销", "revoked";
    expired: "已到期", "expired";
    no_tokens: "还没有令牌。", "There are no tokens yet.";
    when: "时间", "When";
    who: "操作者", "Who";
    action: "操作", "Action";
    object: "对象", "Object";
    detail: "说明", "Detail";
    any: "全部", "any";
    from: "自", "From";
    until: "至", "To";
    filter: "筛选", "Filter";
    export: "导出 CSV", "Export as CSV";
    older: "更早", "Older";
    no_entries: "没有符合条件的记录。", "No entry matches.";
    audit_advice: "每条记录与前一条相链。用 manyi-collector audit verify 校验。", "Each entry is chained to the one before; manyi-collector audit verify checks it.";
});

impl AdminWords {
    pub(in crate::office) fn role_name(&self, role: Role) -> &'static str {
        let zh = std::ptr::eq(self, Self::of(Language::Chinese));
        let (chinese, english) = match role {
            Role::Administrator => ("系统管理员", "Administrator"),
            Role::Office => ("管理机构", "Office"),
            Role::DepartmentHandler => ("部门承办人", "Department handler"),
            Role::HallManager => ("大厅负责人", "Hall manager"),
            Role::Technician => ("技术人员", "Technician"),
            Role::Officer => ("体验官", "Experience officer"),
            Role::Auditor => ("审计人员", "Auditor"),
        };
        if zh { chinese } else { english }
    }

    pub(in crate::office) fn permission_name(&self, permission: Permission) -> &'static str {
        let zh = std::ptr::eq(self, Self::of(Language::Chinese));
        let (chinese, english) = match permission {
            Permission::SeeScores => ("查看评价数据", "See scores"),
            Permission::SeeClerks => ("查看个人数据", "See clerks' figures"),
            Permission::Export => ("导出", "Export"),
            Permission::MarkRatings => ("标记可疑评价", "Mark ratings"),
            Permission::EditIndicators => ("修改指标定义", "Change indicators"),
            Permission::Publish => ("发布", "Publish"),
            Permission::SeeFleet => ("查看设备", "See terminals"),
            Permission::EditProfiles => ("修改设备配置", "Change profiles"),
            Permission::EnrolTerminals => ("登记设备", "Enrol terminals"),
            Permission::ClearIncidents => ("处置异常", "Clear incidents"),
            Permission::EditAlerts => ("修改告警设置", "Change alerts"),
            Permission::SeeCases => ("查看工单", "See cases"),
            Permission::HandleCases => ("办理工单", "Answer cases"),
            Permission::ReportVisits => ("提交体验报告", "Report visits"),
            Permission::OpenMessages => ("查看群众留言", "Read messages"),
            Permission::ManagePeople => ("管理人员", "Manage people"),
            Permission::ManageTokens => ("管理令牌", "Manage tokens"),
            Permission::SeeAudit => ("查看审计日志", "Read the audit log"),
            Permission::AskCitizens => ("发起评价", "Ask at windows"),
        };
        if zh { chinese } else { english }
    }

    pub(in crate::office) fn place_name(&self, place: &Place) -> String {
        let zh = std::ptr::eq(self, Self::of(Language::Chinese));
        let pick =
            |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
        match place {
            Place::Everywhere => pick("全部", "everywhere").to_owned(),
            Place::Region(region) => format!("{} {region}", pick("区划", "region")),
            Place::Hall(hall) => format!("{} {hall}", pick("大厅", "hall")),
            Place::Department(hall, department) => {
                format!("{} {hall} · {department}", pick("部门", "department"))
            }
            Place::Window(hall, window) => format!("{} {hall} · {window}", pick("窗口", "window")),
        }
    }

    /// The name of an action; one that a newer program wrote keeps its own.
    pub(in crate::office) fn action_name(&self, name: &str) -> String {
        let Some(action) = Action::from_name(name) else {
            return name.to_owned();
        };
        if !std::ptr::eq(self, Self::of(Language::Chinese)) {
            return name.replace('_', " ");
        }
        chinese(action).to_owned()
    }
}

const fn chinese(action: Action) -> &'static str {
    match action {
        Action::LogIn => "登录",
        Action::LogInFailed => "登录失败",
        Action::LogOut => "退出",
        Action::ChangePassword => "修改密码",
        Action::ResetPassword => "重置密码",
        Action::AddUser => "添加人员",
        Action::ChangeUser => "修改人员",
        Action::DisableUser => "停用人员",
        Action::EnableUser => "恢复人员",
        Action::EndSessions => "结束会话",
        Action::EnrolSecondFactor => "启用二次验证",
        Action::RemoveSecondFactor => "停用二次验证",
        Action::UseRecoveryCode => "使用恢复码",
        Action::LinkIdentity => "关联登录服务",
        Action::AddToken => "创建令牌",
        Action::RevokeToken => "吊销令牌",
        Action::SeePeople => "查看人员",
        Action::SeeAudit => "查看审计日志",
        Action::ExportAudit => "导出审计日志",
        Action::DropAudit => "清理审计日志",
        Action::OpenMessages => "查看群众留言",
        Action::SeeClerks => "查看个人数据",
        Action::Export => "导出数据",
        Action::MarkRatings => "标记评价",
        Action::EditIndicators => "修改指标定义",
        Action::Publish => "发布",
        Action::EditProfile => "修改设备配置",
        Action::ImportHall => "导入大厅",
        Action::PauseWindow => "暂停或恢复窗口",
        Action::MakeEnrolmentCode => "生成登记码",
        Action::ChangeTerminal => "变更设备",
        Action::SetTechnicianPin => "设置技术密码",
        Action::ClearIncident => "处置异常",
        Action::EditAlerts => "修改告警设置",
        Action::ReplayDeadLetters => "重新读取记录",
        Action::AskCitizen => "发起评价",
    }
}

/// Roles and places, in words.
pub(in crate::office) fn grant_views(
    grants: &[Grant],
    labels: &AdminWords,
) -> Vec<(&'static str, String)> {
    let view = |grant: &Grant| {
        let role = grant.as_role().map_or("", |role| labels.role_name(role));
        (role, labels.place_name(&grant.place))
    };
    grants.iter().map(view).collect()
}
