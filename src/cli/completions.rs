//! `foothold completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, show};

#[derive(Args)]
pub struct CompletionsArgs {
    shell: Shell,
}

pub fn print(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "foothold", &mut script);
    show::line(&String::from_utf8_lossy(&script));
    Ok(())
}
