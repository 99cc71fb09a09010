//! The office's prompts: kept until they are answered or make no sense any more.

use async_trait::async_trait;
use manyi_shared::domain::WindowId;
use manyi_shared::wire::limits::MAX_PROMPTS;
use manyi_shared::wire::{OfficePrompt, PromptReceipt};

use super::{Db, Param, code, values};
use crate::ingest::Delivery;
use crate::store::prompts::{KeptPrompt, NewPrompt, PromptAnswer, PromptRefused};
use crate::store::{Database, PromptStore, StoreError};

/// Prompts are forgotten this long after they have expired: long enough to ask what became of one.
const KEEP_MS: i64 = 7 * 86_400_000;

#[async_trait]
impl PromptStore for Database {
    async fn add_prompt(
        &self,
        prompt: NewPrompt,
    ) -> Result<Result<KeptPrompt, PromptRefused>, StoreError> {
        self.write(move |db| add(db, &prompt)).await
    }

    async fn prompt(&self, id: [u8; 16]) -> Result<Option<KeptPrompt>, StoreError> {
        self.read(move |db| find(db, "prompt_id = ?1", values![&id]))
            .await
    }
}

/// Which prompt has a caller's own key.
const BY_KEY: &str = "hall_id = ?1 AND caller = ?2 AND caller_key = ?3";

fn add(db: &Db<'_>, prompt: &NewPrompt) -> Result<Result<KeptPrompt, PromptRefused>, StoreError> {
    // How many wait for a window, and whether the key is used, is counted by one at a time.
    db.lock_name(&format!("office_prompt {}", prompt.hall))?;
    if let Some(key) = &prompt.caller_key {
        let same = values![prompt.hall.as_str(), &prompt.caller, key];
        let sql = format!("SELECT request_digest FROM office_prompt WHERE {BY_KEY}");
        let request: Option<[u8; 32]> = db.row(&sql, same, |row| row.get(0))?;
        if let Some(request) = request {
            if request != prompt.request {
                return Ok(Err(PromptRefused::OtherRequest));
            }
            return find(db, BY_KEY, same)?.map(Ok).ok_or(StoreError::NoRow);
        }
    }
    if let Some(refused) = refused(db, prompt)? {
        return Ok(Err(refused));
    }
    let forget = "DELETE FROM office_prompt WHERE expires_ms < ?1";
    db.execute(forget, values![prompt.now_ms.saturating_sub(KEEP_MS)])?;
    insert(db, prompt)?;
    Ok(Ok(KeptPrompt {
        id: prompt.id,
        hall: prompt.hall.clone(),
        window: prompt.window.clone(),
        answer: None,
        expires_ms: prompt.expires_ms,
    }))
}

fn insert(db: &Db<'_>, prompt: &NewPrompt) -> Result<(), StoreError> {
    let about = &prompt.about;
    db.execute(
        "INSERT INTO office_prompt (hall_id, prompt_id, window_id, staff_id, item_code, \
         case_number, item_name, staff_name, created_ms, expires_ms, state, caller, \
         caller_key, request_digest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'pending', ?11, ?12, ?13)",
        values![
            prompt.hall.as_str(),
            &prompt.id,
            prompt.window.as_str(),
            &about.staff,
            &about.item,
            &about.case_number,
            &about.item_name,
            &about.staff_name,
            prompt.now_ms,
            prompt.expires_ms,
            &prompt.caller,
            &prompt.caller_key,
            &prompt.request
        ],
    )
    .map(drop)
}

/// Why nobody would ask the prompt.
fn refused(db: &Db<'_>, prompt: &NewPrompt) -> Result<Option<PromptRefused>, StoreError> {
    let key = values![prompt.hall.as_str(), prompt.window.as_str()];
    let window = "SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2";
    if !db.exists(window, key)? {
        return Ok(Some(PromptRefused::NoWindow));
    }
    let terminal =
        "SELECT 1 FROM terminal WHERE hall_id = ?1 AND window_id = ?2 AND state = 'active'";
    if !db.exists(terminal, key)? {
        return Ok(Some(PromptRefused::NoTerminal));
    }
    let waiting: usize = db.one(
        "SELECT COUNT(*) FROM office_prompt WHERE hall_id = ?1 AND window_id = ?2 \
         AND state = 'pending' AND expires_ms > ?3",
        values![prompt.hall.as_str(), prompt.window.as_str(), prompt.now_ms],
        |row| row.get(0),
    )?;
    Ok((waiting >= MAX_PROMPTS).then_some(PromptRefused::TooMany))
}

fn find(db: &Db<'_>, which: &str, key: &[Param<'_>]) -> Result<Option<KeptPrompt>, StoreError> {
    let sql = format!(
        "SELECT prompt_id, hall_id, window_id, state, expires_ms FROM office_prompt WHERE {which}"
    );
    db.row(&sql, key, |row| {
        Ok(KeptPrompt {
            id: row.get(0)?,
            hall: code(row.get(1)?, "office_prompt.hall_id")?,
            window: code(row.get(2)?, "office_prompt.window_id")?,
            answer: match row.get(3)? {
                "taken" => Some(PromptAnswer::Taken),
                "refused" => Some(PromptAnswer::Refused),
                _ => None,
            },
            expires_ms: row.get(4)?,
        })
    })
}

/// Writes down what a terminal says became of prompts of its window. A receipt that comes again,
/// or of a prompt that is answered or not the window's, changes nothing.
pub(crate) fn receive(
    db: &Db<'_>,
    delivery: &Delivery,
    window: &WindowId,
) -> Result<(), StoreError> {
    for PromptReceipt { id, taken } in &delivery.head.prompts {
        db.execute(
            "UPDATE office_prompt SET state = ?1, terminal_id = ?2 WHERE hall_id = ?3 \
             AND prompt_id = ?4 AND window_id = ?5 AND state = 'pending'",
            values![
                if *taken { "taken" } else { "refused" },
                delivery.head.terminal.as_bytes(),
                delivery.hall.as_str(),
                id,
                window.as_str()
            ],
        )?;
    }
    Ok(())
}

/// The prompts that wait for this terminal: its window's, when it is the one enrolled there last.
pub(crate) fn waiting(
    db: &Db<'_>,
    delivery: &Delivery,
    window: &WindowId,
) -> Result<Vec<OfficePrompt>, StoreError> {
    let now_ms = delivery.received_ms;
    db.rows(
        "SELECT prompt_id, expires_ms, staff_id, item_code, case_number, item_name, staff_name \
         FROM office_prompt WHERE hall_id = ?1 AND window_id = ?2 AND state = 'pending' \
         AND expires_ms > ?3 AND ?4 = (SELECT terminal_id FROM terminal WHERE hall_id = ?1 \
         AND window_id = ?2 AND state = 'active' ORDER BY enrolled_ms DESC, terminal_id LIMIT 1) \
         ORDER BY created_ms, prompt_id LIMIT ?5",
        values![
            delivery.hall.as_str(),
            window.as_str(),
            now_ms,
            delivery.head.terminal.as_bytes(),
            MAX_PROMPTS
        ],
        |row| {
            let expires_ms: i64 = row.get(1)?;
            Ok(OfficePrompt {
                id: row.get(0)?,
                valid_ms: expires_ms.saturating_sub(now_ms).max(0).unsigned_abs(),
                window: window.to_string(),
                staff: row.get(2)?,
                item: row.get(3)?,
                case_number: row.get(4)?,
                item_name: row.get(5)?,
                staff_name: row.get(6)?,
            })
        },
    )
}
