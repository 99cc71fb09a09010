//! The office's prompts: kept until they are answered or make no sense any more.

use async_trait::async_trait;
use manyi_shared::domain::WindowId;
use manyi_shared::wire::limits::MAX_PROMPTS;
use manyi_shared::wire::{OfficePrompt, PromptReceipt};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::port::code;
use crate::ingest::Delivery;
use crate::store::prompts::{KeptPrompt, NewPrompt, PromptAnswer, PromptRefused};
use crate::store::{PromptStore, StoreError};

/// Prompts are forgotten this long after they have expired: long enough to ask what became of one.
const KEEP_MS: i64 = 7 * 86_400_000;

#[async_trait]
impl PromptStore for super::SqliteStore {
    async fn add_prompt(
        &self,
        prompt: NewPrompt,
    ) -> Result<Result<KeptPrompt, PromptRefused>, StoreError> {
        self.write(move |connection| add(connection, &prompt)).await
    }

    async fn prompt(&self, id: [u8; 16]) -> Result<Option<KeptPrompt>, StoreError> {
        self.read(move |connection| find(connection, "prompt_id = ?1", params![id]))
            .await
    }
}

fn add(
    connection: &Connection,
    prompt: &NewPrompt,
) -> Result<Result<KeptPrompt, PromptRefused>, StoreError> {
    if let Some(key) = prompt.caller_key {
        let same = params![prompt.hall.as_str(), prompt.caller, key];
        let sql = "SELECT request_digest FROM office_prompt WHERE hall_id = ?1 AND caller = ?2 \
             AND caller_key = ?3";
        let request: Option<[u8; 32]> = connection
            .prepare_cached(sql)?
            .query_row(same, |row| row.get(0))
            .optional()?;
        if let Some(request) = request {
            if request != prompt.request {
                return Ok(Err(PromptRefused::OtherRequest));
            }
            let which = "hall_id = ?1 AND caller = ?2 AND caller_key = ?3";
            let kept = find(connection, which, same)?;
            return kept.map(Ok).ok_or(StoreError::Corrupt {
                column: "office_prompt.caller_key",
            });
        }
    }
    if let Some(refused) = refused(connection, prompt)? {
        return Ok(Err(refused));
    }
    connection.execute(
        "DELETE FROM office_prompt WHERE expires_ms < ?1",
        [prompt.now_ms.saturating_sub(KEEP_MS)],
    )?;
    let about = &prompt.about;
    connection
        .prepare_cached(
            "INSERT INTO office_prompt (hall_id, prompt_id, window_id, staff_id, item_code, \
             case_number, item_name, staff_name, created_ms, expires_ms, state, caller, \
             caller_key, request_digest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'pending', ?11, ?12, ?13)",
        )?
        .execute(params![
            prompt.hall.as_str(),
            prompt.id,
            prompt.window.as_str(),
            about.staff,
            about.item,
            about.case_number,
            about.item_name,
            about.staff_name,
            prompt.now_ms,
            prompt.expires_ms,
            prompt.caller,
            prompt.caller_key,
            prompt.request
        ])?;
    Ok(Ok(KeptPrompt {
        id: prompt.id,
        hall: prompt.hall.clone(),
        window: prompt.window.clone(),
        answer: None,
        expires_ms: prompt.expires_ms,
    }))
}

/// Why nobody would ask the prompt.
fn refused(
    connection: &Connection,
    prompt: &NewPrompt,
) -> Result<Option<PromptRefused>, StoreError> {
    let key = [prompt.hall.as_str(), prompt.window.as_str()];
    let there = |sql: &str| -> Result<bool, StoreError> {
        Ok(connection.prepare_cached(sql)?.exists(key)?)
    };
    if !there("SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2")? {
        return Ok(Some(PromptRefused::NoWindow));
    }
    if !there("SELECT 1 FROM terminal WHERE hall_id = ?1 AND window_id = ?2 AND state = 'active'")?
    {
        return Ok(Some(PromptRefused::NoTerminal));
    }
    let waiting: usize = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM office_prompt WHERE hall_id = ?1 AND window_id = ?2 \
             AND state = 'pending' AND expires_ms > ?3",
        )?
        .query_row(params![key[0], key[1], prompt.now_ms], |row| row.get(0))?;
    Ok((waiting >= MAX_PROMPTS).then_some(PromptRefused::TooMany))
}

fn find(
    connection: &Connection,
    which: &str,
    key: impl rusqlite::Params,
) -> Result<Option<KeptPrompt>, StoreError> {
    let sql = format!(
        "SELECT prompt_id, hall_id, window_id, state, expires_ms FROM office_prompt WHERE {which}"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row(key, |row: &Row<'_>| {
            Ok((
                row.get::<_, [u8; 16]>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    let Some((id, hall, window, state, expires_ms)) = found else {
        return Ok(None);
    };
    Ok(Some(KeptPrompt {
        id,
        hall: code(&hall, "office_prompt.hall_id")?,
        window: code(&window, "office_prompt.window_id")?,
        answer: match state.as_str() {
            "taken" => Some(PromptAnswer::Taken),
            "refused" => Some(PromptAnswer::Refused),
            _ => None,
        },
        expires_ms,
    }))
}

/// Writes down what a terminal says became of prompts of its window. A receipt that comes again,
/// or of a prompt that is answered or not the window's, changes nothing.
pub(super) fn receive(
    connection: &Connection,
    delivery: &Delivery,
    window: &WindowId,
) -> Result<(), StoreError> {
    for PromptReceipt { id, taken } in &delivery.head.prompts {
        connection
            .prepare_cached(
                "UPDATE office_prompt SET state = ?1, terminal_id = ?2 WHERE hall_id = ?3 \
                 AND prompt_id = ?4 AND window_id = ?5 AND state = 'pending'",
            )?
            .execute(params![
                if *taken { "taken" } else { "refused" },
                delivery.head.terminal.as_bytes(),
                delivery.hall.as_str(),
                id,
                window.as_str()
            ])?;
    }
    Ok(())
}

/// The prompts that wait for this terminal: its window's, when it is the one enrolled there last.
pub(super) fn waiting(
    connection: &Connection,
    delivery: &Delivery,
    window: &WindowId,
) -> Result<Vec<OfficePrompt>, StoreError> {
    let now_ms = delivery.received_ms;
    let mut statement = connection.prepare_cached(
        "SELECT prompt_id, expires_ms, staff_id, item_code, case_number, item_name, staff_name \
         FROM office_prompt WHERE hall_id = ?1 AND window_id = ?2 AND state = 'pending' \
         AND expires_ms > ?3 AND ?4 = (SELECT terminal_id FROM terminal WHERE hall_id = ?1 \
         AND window_id = ?2 AND state = 'active' ORDER BY enrolled_ms DESC, terminal_id LIMIT 1) \
         ORDER BY created_ms, prompt_id LIMIT ?5",
    )?;
    let key = params![
        delivery.hall.as_str(),
        window.as_str(),
        now_ms,
        delivery.head.terminal.as_bytes(),
        MAX_PROMPTS
    ];
    let rows = statement.query_map(key, |row| {
        Ok(OfficePrompt {
            id: row.get(0)?,
            valid_ms: row
                .get::<_, i64>(1)?
                .saturating_sub(now_ms)
                .max(0)
                .unsigned_abs(),
            window: window.to_string(),
            staff: row.get(2)?,
            item: row.get(3)?,
            case_number: row.get(4)?,
            item_name: row.get(5)?,
            staff_name: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
