fn main() -> std::process::ExitCode {
    foothold::cli::main()
}
