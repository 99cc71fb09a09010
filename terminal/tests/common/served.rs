//! An API with a conductor that answers by script.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use axum::Router;
use manyi_shared::domain::{PromptId, StreamId, TerminalId, WindowId};
use manyi_terminal::api::{Api, router};
use manyi_terminal::conductor::{Message, Refusal, Taken};
use manyi_terminal::flow::{Reason, Trigger};
use manyi_terminal::keys::{Content, Keys, Seen};
use manyi_terminal::registry::{Health, PromptState, Registry, Status};

/// Who asked, and which item name was to be shown.
pub(crate) type Asked = (Trigger, Option<String>);

/// The API and what stands behind it.
pub(crate) struct Served {
    api: Api,
    pub(crate) registry: Arc<Registry>,
    /// What the conductor was asked for.
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

pub(crate) fn id(ordinal: u32) -> PromptId {
    PromptId {
        stream: StreamId::from_bytes([7; 16]),
        ordinal,
    }
}

/// An API whose conductor takes every prompt, or none.
pub(crate) fn served(takes: bool) -> Served {
    let registry = Arc::<Registry>::default();
    registry.set_health(Health {
        status: if takes {
            Status::Ready
        } else {
            Status::OutOfService(Reason::StorageFull)
        },
        terminal: Some(TerminalId::from_bytes([1; 16])),
        window: Some(WindowId::new("A01").unwrap()),
        stream: Some(StreamId::from_bytes([7; 16])),
        paused: false,
    });
    let (conductor, inbox) = channel();
    let (noted, asked) = (registry.clone(), Arc::<Mutex<Vec<_>>>::default());
    let heard = asked.clone();
    std::thread::spawn(move || {
        let mut script = Script {
            takes,
            registry: noted,
            keys: Keys::default(),
            count: 0,
        };
        for message in inbox {
            match message {
                Message::Prompt { request, reply } => {
                    let shown = (request.trigger, request.names.item.clone());
                    heard.lock().unwrap().push(shown);
                    let content = Content::of(&request.event, &request.names);
                    let answer = script.prompt(request.key.as_deref(), content);
                    reply.send(answer).unwrap();
                }
                Message::Cancel { id, reply } => {
                    script.registry.note(id, PromptState::Ended);
                    reply.send(()).unwrap();
                }
                Message::Pause { paused, reply } => {
                    let health = script.registry.health();
                    script.registry.set_health(Health { paused, ..health });
                    reply.send(()).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let api = Api::new(conductor, registry.clone());
    Served {
        api,
        registry,
        asked,
    }
}

impl Served {
    /// The loopback door.
    pub(crate) fn router(&self) -> Router {
        self.door(router)
    }

    /// Another door to the same API.
    pub(crate) fn door(&self, router: impl FnOnce(Api) -> Router) -> Router {
        router(self.api.clone())
    }
}

struct Script {
    takes: bool,
    registry: Arc<Registry>,
    keys: Keys,
    count: u32,
}

impl Script {
    fn prompt(&mut self, key: Option<&str>, content: Content) -> Result<Taken, Refusal> {
        match key.map_or(Seen::Never, |key| self.keys.seen(key, content)) {
            Seen::Same(id) => return Ok(Taken { id, again: true }),
            Seen::Other => return Err(Refusal::KeyReused),
            Seen::Never => {}
        }
        if self.registry.health().paused {
            return Err(Refusal::Paused);
        }
        if !self.takes {
            return Err(Refusal::OutOfService);
        }
        self.count += 1;
        let id = id(self.count);
        if let Some(key) = key {
            self.keys.remember(key, content, id);
        }
        self.registry.note(id, PromptState::Waiting);
        self.registry.note(id, PromptState::Asking);
        Ok(Taken { id, again: false })
    }
}
