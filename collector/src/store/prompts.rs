//! The part of the port that keeps the office's own prompts until a terminal has answered.
//!
//! **Invariants**
//! 1. A prompt is answered once: the first receipt of its window's terminals stands.
//! 2. The same key of the same caller stands for one prompt of a hall.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, WindowId};

use super::StoreError;

/// Keeps prompts.
#[async_trait]
pub trait PromptStore: Send + Sync {
    /// Keeps a prompt, or finds the one that was made with the same key.
    async fn add_prompt(
        &self,
        prompt: NewPrompt,
    ) -> Result<Result<KeptPrompt, PromptRefused>, StoreError>;

    /// The prompt with this id.
    async fn prompt(&self, id: [u8; 16]) -> Result<Option<KeptPrompt>, StoreError>;
}

/// A prompt to keep.
#[derive(Debug, Clone)]
pub struct NewPrompt {
    /// Its id.
    pub id: [u8; 16],
    /// The hall.
    pub hall: HallId,
    /// The window.
    pub window: WindowId,
    /// What it is about.
    pub about: PromptAbout,
    /// When it was asked for.
    pub now_ms: i64,
    /// When it makes no sense any more.
    pub expires_ms: i64,
    /// Who asked for it.
    pub caller: String,
    /// SHA-256 of the caller's own key of it.
    pub caller_key: Option<[u8; 32]>,
    /// SHA-256 of what was asked for.
    pub request: [u8; 32],
}

/// What a prompt is about; all of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptAbout {
    /// The clerk's staff number.
    pub staff: Option<String>,
    /// The item's code.
    pub item: Option<String>,
    /// The case number.
    pub case_number: Option<String>,
    /// The item's name.
    pub item_name: Option<String>,
    /// The clerk's name.
    pub staff_name: Option<String>,
}

/// Why a prompt was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromptRefused {
    /// The hall does not exist, or not with this window.
    #[error("there is no such window in this hall")]
    NoWindow,
    /// Nobody could ask it.
    #[error("no terminal is enrolled at the window")]
    NoTerminal,
    /// The caller used the key for something else.
    #[error("the Idempotency-Key was used for another prompt")]
    OtherRequest,
    /// As many as a reply carries are waiting.
    #[error("too many prompts are waiting for the window")]
    TooMany,
}

/// A prompt as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPrompt {
    /// Its id.
    pub id: [u8; 16],
    /// The hall.
    pub hall: HallId,
    /// The window.
    pub window: WindowId,
    /// What the terminal said.
    pub answer: Option<PromptAnswer>,
    /// When it makes no sense any more.
    pub expires_ms: i64,
}

/// What a terminal said to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptAnswer {
    /// It is asked, or waits for its turn at the terminal.
    Taken,
    /// The terminal stands elsewhere, or could not ask.
    Refused,
}
