use std::fs;

use crate::client::RUST_CELLS_PROFILE;
use crate::common::{Ended, Place, ended};

/// Runs a script whose Rust cells compile in the shared folder.
fn run(place: &Place, source: &str) -> Ended {
    let (folder, _turn) = crate::cells();
    place.write("study.star", source);
    let mut command = place.command(&["run", "study.star", "--out", "out"]);
    command.env("U2AD_RUST_CELLS", folder).envs([RUST_CELLS_PROFILE]);
    ended(&mut command)
}

const ROUND_TRIP: &str = r##"
people = phantom_cohort(subjects = 2, size = 64, pixel_spacing_mm = 2.0)
limit = 0.75
rust(r"""
use u2ad::exchange::session;

fn doubled(x: f64) -> f64 { 2.0 * x }

let people = session.get("people")?;
let image = people.tensor("image")?;
println!("{} slices, {} names, {:?}", image.dims()[0], people.subjects().len(), people.names());
print!("half a line ");
session.set("bright", &image)?;
session.set("first", &image.get(0)?)?;
session.set("count", image.dims()[0])?;
session.set("words", "from Rust")?;
session.set("numbers", vec![1.0, 2.5])?;
""")
print(type(bright), bright.shape[0] == count, len(bright[0].shape), words, numbers)
print(first.pixel(30, 30) == people[0][0].image.pixel(30, 30))
plot(bright)
plot(first)
found = detect(bright, people, name = "brightness in Rust")
print(found.method, len(found.scores))
rust("session.set(\"twice\", doubled(session.get(\"limit\")?.number()?))?;")
print(twice)
rust("(image.mean_all()?.to_scalar::<f32>()? > 0.0, image.dims().len())")
rust(r"""match session.get("nothing") { Ok(_) => String::new(), Err(error) => error.to_string() }""")
rust(r"""match session.get("bright")?.tensor("mask") { Ok(_) => String::new(), Err(error) => error.to_string() }""")
"##;

#[test]
fn values_go_to_rust_and_back_and_end_in_figures() {
    let place = Place::new();
    let ended = run(&place, ROUND_TRIP);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
    let out = &ended.out;
    assert!(out.contains("\"cord\", \"csf\", \"image\", \"lesion\""), "{out}");
    assert!(out.contains("half a line"), "{out}");
    assert!(out.contains("Maps True 2 from Rust [1.0, 2.5]\nTrue\n"), "{out}");
    assert!(out.contains("brightness in Rust 2\n1.5\n(true, 3)\n"), "{out}");
    assert!(out.contains("session.get: there is no value called \\\"nothing\\\""), "{out}");
    assert!(out.contains("this Maps has no tensor \\\"mask\\\"; there are maps"), "{out}");
    let figures = fs::read_dir(place.path("out")).unwrap().flat_map(|folder| {
        let folder = folder.unwrap().path();
        fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path())
    });
    let figures: Vec<_> =
        figures.filter(|path| path.extension().is_some_and(|e| e == "png")).collect();
    assert_eq!(figures.len(), 2, "{figures:?}");
}

#[test]
fn mistakes_point_into_the_script() {
    let source = "x = 1\nrust(\"\"\"\nlet a: i32 = \"text\";\nlet b = unknown + 1;\n\"\"\")\n";
    let ended = run(&Place::new(), source);
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    let err = &ended.err;
    assert!(err.contains("error: mismatched types: expected `i32`, found `&str`"), "{err}");
    assert!(err.contains("--> study.star:3:14"), "{err}");
    assert!(err.contains("3 | let a: i32 = \"text\";\n  |              ^^^^^^"), "{err}");
    assert!(err.contains("error: cannot find value `unknown` in this scope"), "{err}");
    assert!(err.contains("--> study.star:4:9"), "{err}");
    let ended = run(&Place::new(), "rust(\"Err::<i32, _>(u2ad::Error::input(\\\"no luck\\\"))?\")");
    assert!(ended.err.contains("error: no luck\n  --> study.star:1:1"), "{}", ended.err);
}

#[test]
fn without_a_toolchain_there_is_one_sentence() {
    let place = Place::new();
    place.write("study.star", "print(1)\nrust('1')");
    let mut command = place.command(&["run", "study.star"]);
    command.env("PATH", place.path("")).env("HOME", place.path("")).env_remove("CARGO_HOME");
    let ended = ended(&mut command);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "1\n"));
    let sentence = "error: Rust cells need a Rust toolchain, and there is no cargo and rustc on \
                    this machine; https://rustup.rs installs one\n";
    assert!(ended.err.starts_with(sentence), "{}", ended.err);
}
