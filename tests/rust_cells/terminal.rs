use crate::client::RUST_CELLS_PROFILE;
use crate::screen::{CTRL_C, ENTER, Home};

#[test]
fn a_cell_of_several_lines_runs_at_an_empty_line_and_its_image_is_drawn() {
    let (folder, _turn) = crate::cells();
    let folder = folder.display().to_string();
    let real = |name: &str, inside: &str| {
        let home = std::env::home_dir().unwrap().join(inside).display().to_string();
        std::env::var(name).unwrap_or(home)
    };
    let (cargo, rustup) = (real("CARGO_HOME", ".cargo"), real("RUSTUP_HOME", ".rustup"));
    let variables = [
        ("U2AD_RUST_CELLS", &*folder),
        ("CARGO_HOME", &cargo),
        ("RUSTUP_HOME", &rustup),
        RUST_CELLS_PROFILE,
    ];
    let mut shell = Home::new().open_with(&["--images", "blocks"], &variables);
    shell.run("limit = 20");
    for line in [
        "%%rust",
        "use u2ad::exchange::session;",
        "use u2ad::candle_core::{Device, Tensor};",
        "let n = session.get(\"limit\")?.number()? as usize;",
        "let mine = Tensor::arange(0f32, (n * n) as f32, &Device::Cpu)?.reshape((n, n))?;",
        "session.set(\"mine\", &mine)?;",
    ] {
        shell.press(line);
        shell.press(ENTER);
        shell.see(line.get(..40).unwrap_or(line));
    }
    shell.press(ENTER);
    shell.see("Rust cells");
    // The first cell of a fresh folder compiles for minutes.
    for _ in 0..6 {
        if shell.screen().trim_end().ends_with("u2ad>") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
    shell.prompt();
    shell.run("mine");
    shell.until("the image in blocks", |screen| screen.contains('▀') || screen.contains('▄'));
    shell.press("%%rust\r");
    // Not what stands in the source, which the shell echoes.
    shell.press("println!(\"it {}\", \"runs\"); loop {}\r\r");
    shell.see("it runs");
    shell.press(CTRL_C);
    shell.see("the variables of Rust cells are lost, what they define is kept");
    shell.see("interrupted");
    shell.run("mine.shape");
    shell.see("(20, 20)");
    shell.run(":transcript all.star");
    shell.see("cells in all.star");
}
