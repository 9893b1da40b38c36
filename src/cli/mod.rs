//! The command line: the only place that reads the clock, the environment and the terminal. One file a verb.
//!
//! Results go to stdout, logs and progress to stderr.

mod accuracy;
mod audit;
mod bucketize;
mod check;
mod completions;
mod docs;
mod evaluate;
mod explain;
mod failure;
mod host;
mod job;
mod memory;
mod models;
mod publish;
mod published;
mod review;
mod run;
mod schema;
mod score;
mod show;
mod simulate;
mod status;
mod train;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use failure::Failure;
use host::Terminal;

const EXIT_CODES: &str = "Exit codes:
  0    done, or nothing to do
  1    unexpected, or a store that did not answer: try again
  2    usage or configuration
  3    the data contract failed; nothing was published
  4    the extracts, a model or other shards are not there yet: try again later
  5    another run published first
  130  interrupted    143  terminated

Settings come from built-in defaults, then the job file, then FOOTHOLD_SECTION__KEY variables, then flags.
Relative paths start at the working directory.";

/// Expansion revenue intelligence as a nightly batch job: Parquet extracts in, recommendations with their audit records out.
#[derive(Parser)]
#[command(name = "foothold", version, after_help = EXIT_CODES, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every verb takes.
#[derive(Args)]
struct Global {
    /// How logs are written to stderr.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "FOOTHOLD_LOG_FORMAT")]
    log_format: LogFormat,
    /// Say more: -v stages and details, -vv everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// How a result is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run a nightly job and publish its tables, briefings and audit records
    Run(run::RunArgs),
    /// Publish a night that was run in shards
    Publish(publish::PublishArgs),
    /// Check the extracts against the data contract and print a data-quality report
    Check(check::CheckArgs),
    /// Cut the extracts into buckets by account, for runs on several machines
    Bucketize(bucketize::BucketizeArgs),
    /// Train, grade and promote the models
    Train(train::TrainArgs),
    /// Cross-validate a model on a feature table of your own
    Evaluate(evaluate::EvaluateArgs),
    /// Apply a model, saved by evaluate or of a job's registry, to a feature table
    Score(score::ScoreArgs),
    /// List, show, compare, promote and roll back models
    Models(models::ModelsArgs),
    /// List and decide recommendations
    Review(review::ReviewArgs),
    /// Report what came of a recommendation
    Outcome(review::OutcomeArgs),
    /// Check the audit trail
    Audit(audit::AuditArgs),
    /// Show everything that the newest run says about one account
    Explain(explain::ExplainArgs),
    /// Make a sample world
    Simulate(simulate::SimulateArgs),
    /// Judge the signals against the truth of simulated worlds, as Markdown
    Accuracy(accuracy::AccuracyArgs),
    /// Print the JSON Schema of jobs, or the contract of input or output tables
    Schema(schema::SchemaArgs),
    /// Print the catalogue of signals, observations or playbooks as Markdown
    Docs(docs::DocsArgs),
    /// Show the published runs of a job's output
    Status(status::StatusArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
}

impl Command {
    /// Whether a failure is to be told on stdout as well, as JSON.
    fn wants_json(&self) -> bool {
        match self {
            Command::Run(args) => args.format == Format::Json,
            Command::Publish(args) => args.format == Format::Json,
            Command::Check(args) => args.format == Format::Json,
            Command::Bucketize(args) => args.format == Format::Json,
            Command::Train(args) => args.format == Format::Json,
            Command::Evaluate(args) => args.format == Format::Json,
            Command::Score(args) => args.format == Format::Json,
            Command::Models(args) => args.wants_json(),
            Command::Audit(args) => args.wants_json(),
            Command::Explain(args) => args.format == Format::Json,
            Command::Status(args) => args.format == Format::Json,
            _ => false,
        }
    }

    fn execute(&self, terminal: &Terminal) -> Result<(), Failure> {
        match self {
            Command::Run(args) => run::run(args, terminal),
            Command::Publish(args) => publish::publish(args, terminal),
            Command::Check(args) => check::check(args, terminal),
            Command::Bucketize(args) => bucketize::bucketize(args, terminal),
            Command::Train(args) => train::train(args, terminal),
            Command::Evaluate(args) => evaluate::evaluate(args, terminal),
            Command::Score(args) => score::score(args, terminal),
            Command::Models(args) => models::models(args, terminal),
            Command::Review(args) => review::review(args, terminal),
            Command::Outcome(args) => review::outcome(args, terminal),
            Command::Audit(args) => audit::audit(args),
            Command::Explain(args) => explain::explain(args),
            Command::Simulate(args) => simulate::simulate(args, terminal),
            Command::Accuracy(args) => accuracy::accuracy(args, terminal),
            Command::Schema(args) => schema::print(args),
            Command::Docs(args) => docs::print(args),
            Command::Status(args) => status::status(args),
            Command::Completions(args) => completions::print(args),
        }
    }
}

/// Parses the arguments, runs the command and turns its result into an exit code, once.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(e.exit_code().clamp(0, 255) as u8);
        }
    };
    memory::share_heaps();
    let terminal = Terminal::start(&cli.global);
    let result = cli.command.execute(&terminal);
    terminal.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.command.wants_json()),
    }
}
