//! Words of the page after a login through another service.

use crate::office::account::words::words;
use crate::office::language::Language;

words!(OidcWords {
    title: "登录成功", "You are logged in";
    advice: "正在打开页面……", "The pages open now.";
    go_on: "继续", "Continue";
});
