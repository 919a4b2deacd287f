//! Diagnostics on stderr with `-v`, and what a person sees of a defect.

use tracing_subscriber::filter::LevelFilter;

/// Turns diagnostics on: none, `-v` what is sent, `-vv` and more everything.
pub fn log(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Only our own modules: HTTP libraries log headers, and headers hold tokens.
    let filter = tracing_subscriber::EnvFilter::default().add_directive(LevelFilter::OFF.into());
    let Ok(ours) = format!("arc_setup={level}").parse() else {
        return;
    };
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter.add_directive(ours))
        // Logs are read in files and in CI as often as on a terminal.
        .with_ansi(false)
        .without_time()
        .try_init();
}

/// A panic is a defect of this program: one line that says so, and no stack trace.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|information| {
        let place = information
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()));
        super::output::talk(&format!(
            "error: a defect of arc-setup{}; please report it with the command that you ran",
            place.unwrap_or_default()
        ));
    }));
}
