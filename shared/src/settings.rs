//! Reading a program's configuration, the same way in all three: its defaults, then a TOML file,
//! then `MANYI_…` variables, then the command line's data folder. The later wins.

use std::path::Path;

use config::{Config, File, FileFormat};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is missing or not TOML, a key is unknown, or a value has the wrong type.
    #[error("configuration {origin} cannot be used")]
    Read {
        /// Where the configuration was looked for.
        origin: String,
        /// Key and reason.
        #[source]
        source: Box<config::ConfigError>,
    },
    /// A value is outside what its key allows.
    #[error("configuration {origin}: `{key}` is `{value}`, but must be {allowed}")]
    Value {
        /// Where the configuration was looked for.
        origin: String,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Where a program's configuration comes from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The defaults, as TOML.
    pub defaults: &'a str,
    /// Every key; each can be set by `MANYI_` and its name in capitals. Other variables are left
    /// alone: they may be another program's.
    pub keys: &'a [&'a str],
    /// The file that the command line names; it must be there.
    pub file: Option<&'a Path>,
    /// The data folder that the command line names.
    pub data_dir: Option<&'a Path>,
}

/// A configuration that was read, and where from.
#[derive(Debug)]
pub struct Settings<T> {
    /// What it says.
    pub value: T,
    origin: String,
}

impl Sources<'_> {
    /// Reads the configuration. `variable` looks up an environment variable; an empty one counts as
    /// not set.
    ///
    /// # Errors
    /// [`SettingsError::Read`] naming the file or the variables, and the key.
    pub fn read<T: DeserializeOwned>(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings<T>, SettingsError> {
        let set: Vec<(&str, String, String)> = self
            .keys
            .iter()
            .map(|key| (*key, format!("MANYI_{}", key.to_uppercase())))
            .filter_map(|(key, name)| variable(&name).map(|value| (key, name, value)))
            .filter(|(_, _, value)| !value.is_empty())
            .collect();
        let mut origin = self.file.map_or_else(
            || "(no file)".to_owned(),
            |file| format!("file `{}`", file.display()),
        );
        if !set.is_empty() {
            let names: Vec<&str> = set.iter().map(|(_, name, _)| name.as_str()).collect();
            origin = format!("{origin} with {}", names.join(", "));
        }
        match self.build(&set) {
            Ok(value) => Ok(Settings { value, origin }),
            Err(source) => Err(SettingsError::Read {
                origin,
                source: Box::new(source),
            }),
        }
    }

    fn build<T: DeserializeOwned>(
        &self,
        set: &[(&str, String, String)],
    ) -> Result<T, config::ConfigError> {
        let mut builder =
            Config::builder().add_source(File::from_str(self.defaults, FileFormat::Toml));
        if let Some(file) = self.file {
            let source = File::from(file).format(FileFormat::Toml);
            builder = builder.add_source(source.required(true));
        }
        for (key, _, value) in set {
            builder = builder.set_override(key, value.clone())?;
        }
        if let Some(dir) = self.data_dir {
            builder = builder.set_override("data_dir", dir.to_string_lossy().into_owned())?;
        }
        builder.build()?.try_deserialize()
    }
}

impl<T> Settings<T> {
    /// Hands the configuration over if `fault` finds nothing wrong with it; otherwise the key, its
    /// value and what is allowed become the error.
    ///
    /// # Errors
    /// [`SettingsError::Value`] with what `fault` found.
    pub fn checked(
        self,
        fault: impl FnOnce(&T) -> Option<(&'static str, String, &'static str)>,
    ) -> Result<T, SettingsError> {
        match fault(&self.value) {
            None => Ok(self.value),
            Some((key, value, allowed)) => Err(SettingsError::Value {
                origin: self.origin,
                key,
                value,
                allowed,
            }),
        }
    }
}
