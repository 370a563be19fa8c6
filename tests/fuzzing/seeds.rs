//! Small sound files of every kind, with which the corpus began.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use u2ad::baselines::Baseline;
use u2ad::context::Context;
use u2ad::files::LazyFolder;
use u2ad::model::Config;
use u2ad::session::{Cell, Output, Session, Settings, Sink};
use u2ad::training::Model;

use self::image::{gzip, one, one_big, two, two_big, with};
use self::scan::{Scan, Syntax};

#[path = "../hostile_volumes/image.rs"]
#[allow(dead_code)]
mod image;
#[path = "../dicom/jpeg.rs"]
mod jpeg;
#[path = "../dicom/run_lengths.rs"]
mod run_lengths;
#[path = "../dicom/scan.rs"]
#[allow(dead_code)]
mod scan;

type Files = Vec<(String, Vec<u8>)>;

fn named(files: Vec<(&str, Vec<u8>)>) -> Files {
    files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

fn texts(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

/// The files of every target.
pub fn all() -> Vec<(&'static str, Files)> {
    vec![
        ("checkpoint", checkpoints()),
        ("dicom", dicom()),
        ("journal", journals()),
        ("kernel_frames", kernel_frames()),
        ("nifti", nifti()),
        ("notebook", notebooks()),
        ("npy", npy()),
        ("participants", participants()),
        ("starlark", starlark()),
    ]
}

fn nifti() -> Files {
    let pair = with(one(), 344, b"ni1\0")[..348].to_vec();
    let qform = with(with(one(), 254, &[0, 0]), 256, &0.5f32.to_le_bytes().repeat(3));
    named(vec![
        ("nifti-1.nii", one()),
        ("nifti-1-big-endian.nii", one_big()),
        ("nifti-1.nii.gz", gzip(&one())),
        ("two-members.nii.gz", [gzip(&one()[..300]), gzip(&one()[300..])].concat()),
        ("nifti-2.nii", two()),
        ("nifti-2-big-endian.nii", two_big()),
        ("nifti-2.nii.gz", gzip(&two())),
        ("pair.hdr", pair),
        ("qform.nii", qform),
        ("floats.nii", with(one(), 70, &[16, 0, 32, 0]).into_iter().chain([7; 240]).collect()),
    ])
}

fn npy() -> Files {
    let file = |version: u8, descr: &str, order: &str, width: usize| {
        let mut text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (3, 8, 8), }}");
        text = format!("{text:117}\n");
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((text.len() as u16).to_le_bytes()),
            _ => bytes.extend((text.len() as u32).to_le_bytes()),
        }
        bytes.extend(text.bytes());
        for n in 0..192 {
            let value = match n / 64 {
                0 => f64::from(n) / 64.0,
                1 => 1.0,
                _ => 3.0,
            };
            match (width, descr.starts_with('>')) {
                (8, false) => bytes.extend(value.to_le_bytes()),
                (8, true) => bytes.extend(value.to_be_bytes()),
                _ => bytes.extend((value as f32).to_le_bytes()),
            }
        }
        bytes
    };
    named(vec![
        ("doubles.npy", file(1, "<f8", "False", 8)),
        ("singles.npy", file(1, "<f4", "False", 4)),
        ("big-endian.npy", file(1, ">f8", "False", 8)),
        ("fortran.npy", file(1, "<f8", "True", 8)),
        ("version-2.npy", file(2, "<f4", "False", 4)),
    ])
}

fn participants() -> Files {
    let wide = "participant_id\tgroup\nsub-01\tHC\n";
    let utf_16 = [0xff, 0xfe].into_iter().chain(wide.encode_utf16().flat_map(u16::to_le_bytes));
    let mut files = texts(&[
        ("tabs.tsv", "participant_id\tgroup\tage\nsub-01\tHC\t40\nsub-02\tms\tn/a\n"),
        ("commas.tsv", "participant_id,pathology,has_lesion\nsub-01,HC,0\nsub-02,DCM,1\n"),
        ("semicolons.tsv", "\u{feff}participant_id;sex\nsub-01;F\nsub-02;M\n"),
        (
            "quoted.tsv",
            "\"participant_id\"\t\"group\"\n\"sub-01\"\t\"a \"\"b\"\" c\"\nsub-02\t\"tall\n",
        ),
        ("old-mac.tsv", "participant_id\tgroup\rsub-01\thc\rsub-02\tpatient"),
        (
            "sessions.tsv",
            "participant_id\tsession_id\tgroup\nsub-01\tses-1\thc\nsub-01\tses-2\tms\n",
        ),
        ("header.tsv", "participant_id\tgroup\n"),
        ("words.tsv", "participant_id\tgroup\nsub-01\tHV\nsub-02\tunknown word\n"),
    ]);
    files.push(("utf-16.tsv".to_owned(), utf_16.collect()));
    files
}

fn checkpoints() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let context = Context::new(1);
    let config = Config {
        image: 16,
        patch: 8,
        embed_dim: 8,
        depth: 1,
        heads: 1,
        decoder_embed_dim: 8,
        decoder_depth: 1,
        decoder_heads: 1,
        ..Config::small()
    };
    let read = |path: &Path| fs::read(path).unwrap();
    Model::new(config, &context).unwrap().save(&path).unwrap();
    let model = read(&path);
    Baseline::IntensityThreshold(Default::default()).save(&path).unwrap();
    let threshold = read(&path);
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    named(vec![
        ("model.safetensors", model),
        ("intensity-threshold.safetensors", threshold),
        ("published.safetensors", read(&fixtures.join("checkpoint.safetensors"))),
        ("published.pth", read(&fixtures.join("checkpoint.pth"))),
        ("before-1.6.pth", b"\x80\x02\x8a\n".to_vec()),
    ])
}

struct Deaf;

impl Sink for Deaf {
    fn emit(&self, _: Output) {}
}

fn journals() -> Files {
    let journal = |cells: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let keep = LazyFolder::at(folder.path());
        let settings = Settings { keep, journal: true, seed: 3, ..Settings::default() };
        let session = Session::start(settings, Arc::new(Deaf)).unwrap();
        for source in cells.iter().chain(&["1"]) {
            let cell =
                Cell { name: "cell".into(), source: (*source).into(), folder: PathBuf::new() };
            session.run(cell).unwrap();
        }
        fs::read(folder.path().join("journal.json")).unwrap()
    };
    named(vec![
        (
            "values.json",
            journal(&[
                // Plain values alone are not worth a journal.
                "people = phantom_cohort(subjects = 2, pixel_spacing_mm = 4.0)",
                "a = {\"x\": [1, 2.5, None, True], (1, \"b\"): struct(y = float(\"inf\"))}",
                "def half(x):\n    return x / 2\n\ndef quarter(x):\n    return half(half(x))",
                "big = 1000000000000 * 1000000000000 * 1000000000000",
            ]),
        ),
        (
            "cohort.json",
            journal(&[
                "people = phantom_cohort(subjects = 2, pixel_spacing_mm = 4.0)",
                "one = people[0]\nslice = one.slices[1]\nhealthy = people[:1]",
                "threshold = intensity_threshold()",
            ]),
        ),
        (
            "training.json",
            journal(&[
                "people = phantom_cohort(subjects = 2, pixel_spacing_mm = 4.0)",
                "model = u2ad(image = 64, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16, \
                 decoder_depth = 1, decoder_heads = 2)",
                "pretrain(model, people, epochs = 1)",
            ]),
        ),
    ])
}

fn kernel_frames() -> Files {
    let message = |kind: &str, content: &str| {
        let header = format!(
            "{{\"msg_id\":\"1\",\"username\":\"u\",\"session\":\"s\",\"date\":\"2026-01-01T00:00:00Z\",\
             \"msg_type\":\"{kind}\",\"version\":\"5.3\"}}"
        );
        format!("client\n<IDS|MSG>\n\n{header}\n{{}}\n{{}}\n{content}").into_bytes()
    };
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    greeting.extend(b"NULL");
    greeting.resize(64, 0);
    greeting.extend(b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0");
    greeting.extend(b"\x01\0\0\x05hello\x02\0\0\0\0\0\0\0\x03abc");
    named(vec![
        ("connection", greeting),
        ("execute", message("execute_request", "{\"code\":\"1 + 1\",\"silent\":false}")),
        ("complete", message("complete_request", "{\"code\":\"pri\",\"cursor_pos\":3}")),
        ("inspect", message("inspect_request", "{\"code\":\"print\",\"detail_level\":0}")),
        ("is_complete", message("is_complete_request", "{\"code\":\"def f():\"}")),
        (
            "history",
            message("history_request", "{\"hist_access_type\":\"tail\",\"n\":10,\"raw\":true}"),
        ),
        ("shutdown", message("shutdown_request", "{\"restart\":true}")),
        ("comm", message("comm_open", "{\"comm_id\":\"c\",\"target_name\":\"t\",\"data\":{}}")),
        ("input", message("input_reply", "{\"value\":\"yes\"}")),
        ("kernel_info", message("kernel_info_request", "{}")),
        (
            "debug",
            message("debug_request", "{\"type\":\"request\",\"seq\":1,\"command\":\"initialize\"}"),
        ),
        ("unknown", message("no_such_request", "[1, null]")),
    ])
}

fn notebooks() -> Files {
    texts(&[
        (
            "version-4.5.ipynb",
            r##"{"cells":[{"cell_type":"markdown","id":"a","metadata":{},"source":["# A study\n","text"],
"attachments":{"x.png":{"image/png":"AAAA"}}},{"cell_type":"code","id":"b","metadata":{"tags":["parameters"]},
"execution_count":1,"outputs":[{"output_type":"stream","name":"stdout","text":["2\n"]}],"source":["a = 1\n","a"]},
{"cell_type":"raw","id":"c","metadata":{},"source":["raw"]}],"metadata":{"kernelspec":{"name":"u2ad",
"display_name":"U²AD","language":"starlark"},"language_info":{"name":"python"}},"nbformat":4,"nbformat_minor":5}"##,
        ),
        (
            "version-4.0.ipynb",
            r#"{"cells":[{"cell_type":"code","metadata":{},"execution_count":null,"outputs":[],"source":"x = 1"}],
"metadata":{},"nbformat":4,"nbformat_minor":0}"#,
        ),
        (
            "version-3.ipynb",
            r#"{"metadata":{"name":"old"},"nbformat":3,"nbformat_minor":0,"worksheets":[{"cells":[{"cell_type":"code",
"collapsed":false,"input":["1 + 1"],"language":"python","metadata":{},"outputs":[],"prompt_number":1},
{"cell_type":"heading","level":2,"metadata":{},"source":["Title"]}],"metadata":{}}]}"#,
        ),
        (
            "script.star",
            "# %% [markdown]\n# # A study\n\n# %%\npeople = phantom_cohort(subjects = 2)\npeople\n\n# %%\n%%rust\n1 + 1\n",
        ),
        (
            "odd-cells.star",
            "# %%\n  é\n# %%\n %%\n# %% [markdown]\n#\n# %%\n\"\"\"\n# %%\n\"\"\"\n",
        ),
        ("no-cells.star", "print(1)\n"),
    ])
}

fn starlark() -> Files {
    texts(&[
        (
            "study",
            "people = load_cohort(\"data\", size = 128)\nmodel = u2ad()\nfor epoch in range(3):\n    train_epoch(model, people)\n",
        ),
        ("nested-f-string", "f\"{f\"a\"}"),
        ("open-f-string", "f\"{x!r:>{width}} {"),
        (
            "function",
            "def score(x, *others, scale = 2.0, **more):\n    \"\"\"Scales.\n    \"\"\"\n    return [x * n for n in others if n]\n",
        ),
        ("open-block", "if True:\n    for x in [1, 2]:\n        pass\n"),
        ("brackets", "((([[[{\"a\": (1, [2, {3: 4}])}]]]))).x[0](y = 1)"),
        ("many-brackets", &"(".repeat(3000)),
        ("many-nots", &"not ".repeat(2000)),
        ("dots", "clinic[0].slices[1].image.plot().a.b.c"),
        ("question", "train_epoch?"),
        ("questions", "?clinic[0].slices\n"),
        ("command", ":save model\n"),
        ("rust", "%%rust\nlet x = r#\"a\"#; /* open /* nested */ x + 'a'\n"),
        ("call", "detect(model, clinic, samples = "),
        ("lambda", "sorted(clinic, key = lambda subject: -scores[subject.name])[0]"),
        (
            "numbers",
            "0x1F + 0o17 + 0b11 + 1e10 + .5 - 1_000 // 3 % 2 ** 4 | 1 & 2 ^ 3 ~4 << 1 >> 2",
        ),
        ("strings", "'a\\n' \"b\\x41\\u0042\" r'\\d' b'c' '''d\ne''' \"open"),
        ("unicode", "größe = \"脊髓\"  # Kommentar é\n\u{feff}\u{202e}x"),
        ("tabs", "if x:\n\ty = 1\n    z = 2\n"),
        ("load", "load(\"other.star\", \"a\", b = \"c\")\na(b)\n"),
    ])
}

fn dicom() -> Files {
    let syntaxes = [
        ("implicit", Syntax::Implicit),
        ("explicit", Syntax::Explicit),
        ("big-endian", Syntax::BigEndian),
        ("deflated", Syntax::Deflated),
        ("run-lengths", Syntax::Rle),
        ("jpeg-lossless", Syntax::JpegLossless),
        ("jpeg-baseline", Syntax::JpegBaseline),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.dcm");
    let mut files = Files::new();
    for (name, syntax) in syntaxes {
        let bits = if syntax == Syntax::JpegBaseline { [8, 8, 7] } else { [16, 12, 11] };
        let scan = Scan { syntax, bits, ..Scan::small() };
        scan.slice(2).write_to_file(&path).unwrap();
        files.push((format!("{name}.dcm"), fs::read(&path).unwrap()));
        scan.frames(&[0, 1, 2]).write_to_file(&path).unwrap();
        files.push((format!("{name}-frames.dcm"), fs::read(&path).unwrap()));
    }
    files
}
