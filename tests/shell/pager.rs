//! `view` in a terminal: slices by the keys, and everybody who must not be kept waiting for one.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use super::screen::{CTRL_C, ENTER, Home, Shell};
use super::{MODEL, PEOPLE};

const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1b[C";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";
const ESCAPE: &str = "\x1b";

/// A shell that shows the slices of a subject in half-blocks.
fn pager(home: &Home) -> Shell {
    let mut shell = home.open(&["--images", "blocks"]);
    shell.run(PEOPLE);
    shell.press("view(people[0])\r");
    shell.see("q back");
    shell
}

/// The number of the shown slice, and of slices.
fn place(screen: &str) -> Option<(usize, usize)> {
    let line = screen.lines().rev().find_map(|line| line.strip_prefix("slice "))?;
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    Some((number, words.nth(1)?.parse().ok()?))
}

fn see_slice(shell: &mut Shell, number: usize) {
    shell.until(&format!("slice {number}"), |screen| {
        place(screen).is_some_and(|(shown, _)| shown == number)
    });
}

#[test]
fn keys_leaf_through_slices_and_the_last_one_stays() {
    let home = Home::new();
    let mut shell = pager(&home);
    let (first, count) = place(&shell.screen()).unwrap();
    assert!(first > 1 && first < count, "{}", shell.screen());
    assert!(shell.screen().contains("(voxel "), "{}", shell.screen());
    assert!(!shell.screen().contains("u2ad>"), "the screen is the picture's:\n{}", shell.screen());
    for (key, there) in [
        (RIGHT, first + 1),
        (LEFT, first),
        ("h", first - 1),
        ("l", first),
        (END, count),
        (RIGHT, count),
        (HOME, 1),
        ("2", 2),
    ] {
        shell.press(key);
        see_slice(&mut shell, there);
    }
    let outlined = shell.coloured();
    shell.press("o");
    shell.see("image alone");
    assert_ne!(shell.coloured(), outlined);
    shell.press("+");
    shell.see("window 0.");
    shell.press("-o");
    shell.until("the window of before", |screen| {
        !screen.contains("window 0.") && screen.contains("outlines")
    });
    shell.press("q");
    shell.see("figure: runs/shell/01-");
    shell.prompt();
    let screen = shell.screen();
    assert_eq!(place(&screen), Some((2, count)), "{screen}");
    assert!(screen.contains('▀') && !screen.contains("q back"), "{screen}");
    assert!(screen.contains("u2ad> view(people[0])"), "the lines from before:\n{screen}");
    let log = fs::read_to_string(home.path("runs/shell/log.txt")).unwrap();
    assert!(log.contains(&format!("slice 2 of {count} (voxel ")), "{log}");
    shell.run("1 + 41");
    shell.see("\n42");
}

#[test]
fn findings_have_their_scores_beside_them() {
    let mut shell = Home::new().open(&["--images", "blocks"]);
    shell.run(PEOPLE);
    shell.press("found = detect(intensity_threshold(), people)\r");
    shell.prompt();
    shell.press("for one in found: view(one)\r");
    shell.until("scores", |screen| {
        ["intensity threshold in sub-", "AnaScore of the subject ", "of this slice ", "anomaly"]
            .iter()
            .all(|part| screen.contains(part))
    });
    shell.press("ooo");
    shell.see("· anomaly ·");
    let subject = |screen: &str| {
        let name = screen.split_once("intensity threshold in ")?.1;
        Some(name.split_whitespace().next()?.to_owned())
    };
    let first = subject(&shell.screen());
    shell.press(ESCAPE);
    shell.until("the next subject", |screen| screen.contains("q back") && subject(screen) != first);
    shell.press(CTRL_C);
    shell.see("\ninterrupted");
    shell.prompt();
}

#[test]
fn the_picture_follows_the_window() {
    let mut shell = pager(&Home::new());
    let height = |screen: &str| screen.lines().filter(|line| line.contains('▀')).count();
    for (columns, rows) in [(40, 20), (110, 40), (80, 24)] {
        shell.resize(columns, rows);
        shell.until("a picture of the new size", |screen| {
            let last = screen.lines().last().unwrap_or_default();
            let fits = screen.lines().all(|line| line.chars().count() <= columns.into());
            let rows = usize::from(rows);
            last.contains("q back") && fits && (rows / 2..rows).contains(&height(screen))
        });
    }
    for (columns, rows) in [(12, 5), (2, 2), (80, 24)] {
        shell.resize(columns, rows);
        sleep(Duration::from_millis(200));
    }
    shell.see("q back");
    shell.press(ENTER);
    shell.see("figure: runs/shell/01-");
    shell.prompt();
}

#[test]
fn protocols_of_pixels_replace_one_picture_and_take_it_away() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "kitty"]);
    shell.run(PEOPLE);
    shell.press("view(people[0])\r");
    shell.see("q back");
    shell.press("1");
    see_slice(&mut shell, 1);
    shell.press("q");
    shell.see("figure: runs/shell/01-");
    let bytes = shell.bytes();
    assert_eq!(bytes.matches("\x1b_Ga=T,f=100,q=2,i=").count(), 2, "one for each slice");
    assert_eq!(bytes.matches("\x1b_Ga=d,d=I,i=").count(), 1);
    assert_eq!(bytes.matches("\x1b_Ga=T,f=100,q=2,c=").count(), 1, "the last one stays");
    for (name, begin) in [("iterm", "\x1b]1337;File="), ("sixel", "\x1bP")] {
        shell.prompt();
        shell.run(&format!(":images {name}"));
        shell.press("view(people[0])\r");
        shell.see("q back");
        shell.press("1");
        see_slice(&mut shell, 1);
        shell.press("q");
        shell.until("the prompt", |screen| screen.trim_end().ends_with("u2ad>"));
        assert_eq!(shell.bytes().matches(begin).count(), 3, "{name}");
    }
}

#[test]
fn a_job_goes_on_behind_the_picture_and_does_not_tear_it() {
    let mut shell = Home::new().open(&["--images", "blocks"]);
    shell.run("people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)");
    shell.press(&format!("{MODEL}\r"));
    shell.prompt();
    shell.run("job = start(lambda: pretrain(model, people.healthy, epochs = 100000))");
    shell.press("view(people[0])\r");
    shell.see("q back");
    let before = shell.screen();
    sleep(Duration::from_secs(2));
    assert_eq!(shell.screen(), before);
    shell.press("q");
    shell.see("figure: runs/shell/01-");
    shell.prompt();
    shell.press("print(\"learned\" if model.epochs > 0 else \"stood still\")\r");
    shell.see("\nlearned");
}

#[test]
fn the_terminal_is_restored_whatever_ends_it() {
    let home = Home::new();
    let mut shell = pager(&home);
    assert!(!shell.is_cooked());
    shell.press(CTRL_C);
    shell.see("\ninterrupted");
    shell.see("figure: runs/shell/01-");
    shell.prompt();
    shell.press("view(people[0])\r");
    shell.see("q back");
    shell.signal("TERM");
    assert_eq!(shell.wait(), Some(143));
    assert!(shell.is_cooked());
    shell.see("kept in runs/shell");
    let bytes = shell.bytes();
    let last = |sequence: &str| bytes.rfind(sequence);
    assert!(last("\x1b[?1049l") > last("\x1b[?1049h"));
    assert!(last("\x1b[?25h") > last("\x1b[?25l"));
}

#[test]
fn a_signal_at_the_prompt_restores_the_terminal_too() {
    let mut shell = Home::new().open(&[]);
    shell.signal("TERM");
    assert_eq!(shell.wait(), Some(143));
    assert!(shell.is_cooked());
}

#[test]
fn nobody_waits_for_a_key_without_pictures_or_in_a_script() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "none"]);
    shell.run(PEOPLE);
    shell.press("view(people[0])\r");
    shell.see("figure: runs/shell/01-");
    shell.prompt();
    drop(shell);
    let mut shell = home.open_with(&["--images", "blocks"], &[("TERM", "dumb")]);
    shell.run(PEOPLE);
    shell.press("view(people[0])\r");
    shell.see("figure: runs/shell-2/01-");
    drop(shell);
    let script = format!("{PEOPLE}\nview(people[0])\nprint(\"over\")\n");
    fs::write(home.path("pager.star"), script).unwrap();
    let mut shell = home.launch(&["run", "pager.star"]);
    assert_eq!(shell.wait(), Some(0));
    shell.see("\nover");
    assert!(!shell.bytes().contains("\x1b[?1049h"));
}
