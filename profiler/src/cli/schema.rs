//! `profiler schema`

use clap::Args;

/// Print the JSON schema of what profiler writes, or tell which there are.
///
/// What was written says which it is, by its "format" (profiler.NAME) and "version"; but for the list of
/// capabilities, which people write by hand too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {
    /// Of which; none: tell the names, with their versions and who writes them
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  profiler schema
  profiler schema recording > recording.schema.json";
