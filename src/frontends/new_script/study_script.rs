//! The text of a study that fits a folder of data.

use std::path::Path;

use super::data_folder::DataFolder;
use crate::frontends::record::run_name;

/// A script about the data of a folder, which will be run as `file`.
pub(super) fn text(folder: &DataFolder, file: &str) -> String {
    let parts = [head(folder, file), load(folder), learn(folder), detect(folder), evaluate(folder)];
    parts.join("\n")
}

fn head(folder: &DataFolder, file: &str) -> String {
    let mut text = String::from("# A study, written by `u2ad new` after a look at its data:\n#\n");
    for line in folder.summary().iter().chain(&folder.notes) {
        text.push_str(&commented(line));
    }
    let name = run_name(Path::new(file));
    text + &format!(
        "#
# Run it from this folder:
#
#     u2ad run {file} -p quick=true     # a short run, to see that everything works; its scores mean nothing
#     u2ad run {file}                   # the study
#
# Figures, tables, maps and the log go to runs/{name}. Change whatever you like: `help(NAME)` in the shell `u2ad`
# explains every verb, and `help(\"words to search for\")` finds one.

quick = parameter(\"quick\", False)
pretrain_epochs = parameter(\"pretrain_epochs\", 1 if quick else 100)
adapt_epochs = parameter(\"adapt_epochs\", 2 if quick else 300)
scorer_epochs = parameter(\"scorer_epochs\", 1 if quick else 30)
samples = parameter(\"samples\", 2 if quick else 10)
seed(parameter(\"seed\", 1))
"
    )
}

/// A line as a comment, folded at about 100 columns.
fn commented(line: &str) -> String {
    let options = textwrap::Options::new(100)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent("#   ")
        .subsequent_indent("#     ");
    textwrap::fill(line, options) + "\n"
}

fn load(folder: &DataFolder) -> String {
    let rule = match &folder.healthy_rule {
        Some(rule) => format!(", healthy = {}", quoted(rule)),
        None => String::new(),
    };
    let mut text = format!(
        "# 1. The data.
everyone = load_cohort(parameter(\"data\", {}), size = 128{rule})
",
        quoted(&folder.path)
    );
    if folder.without_mask > 0 {
        let place = match folder.is_bids {
            true => format!("{}/derivatives/masks", folder.path.trim_end_matches('/')),
            false => folder.path.clone(),
        };
        text += &format!(
            "# Images without a cord mask get found ones; given masks stay. Look at every found mask in qc.html. To correct
# them in a viewer, write them to files, which the next load_cohort uses:
#     save_masks(everyone, {})
everyone = segment(everyone)
",
            quoted(&place)
        );
    }
    text += "# The smallest field of view that holds nearly all cords, but no less than the small model's 128 mm.
everyone = everyone.preprocess(fov_mm = \"auto\")
edge = max(128, everyone.fov_mm)
# Pixels of 1 mm, whatever the field.
everyone = everyone.preprocess(size = edge, fov_mm = edge)
show(everyone)
# Wrong masks are where studies go wrong: open this page before you trust a finding.
qc(everyone, output_dir() + \"/qc.html\")
";
    text += &match (folder.healthy, folder.clinical) {
        (0, _) => "# Nobody is known to be healthy, so the model learns from all subjects. The publication pretrains on healthy
# ones: a column `group` in participants.tsv, with the words healthy and clinical, tells who they are, or a rule:
# load_cohort(…, healthy = \"column == 'value'\").
learn_from = everyone
clinic = everyone
"
        .to_owned(),
        (_, 0) => "# Nobody is clinical: the model learns from the first half and examines the second.
learn_from = everyone[:len(everyone) // 2]
clinic = everyone[len(everyone) // 2:]
"
        .to_owned(),
        (healthy, _) if folder.can_calibrate() => format!(
            "# {healthy} subjects are healthy. The model learns from half of them. The other half, on which it is never trained,
# gives the thresholds of scores and lesions.
learn_from = everyone.healthy[:len(everyone.healthy) // 2]
reference = everyone.healthy[len(everyone.healthy) // 2:]
clinic = everyone.clinical
"
        ),
        (healthy, _) => format!(
            "# {healthy} healthy subjects are too few to hold back the nine from which thresholds are taken: see help(calibrate).
learn_from = everyone.healthy
clinic = everyone.clinical
"
        ),
    };
    text
}

fn learn(folder: &DataFolder) -> String {
    let healthy = match folder.healthy {
        0 => "clinical = clinic",
        _ if folder.clinical == 0 => "healthy = learn_from",
        _ => "healthy = learn_from, clinical = clinic",
    };
    let mut text = String::from(
        "# 2. Learning, without a label. First random patches are hidden. Batches are smaller than the published 10, for
# more steps from few subjects.
model = u2ad(preset = \"small\", image = everyone.size, fov_mm = everyone.fov_mm)
pretrain(model, learn_from, epochs = pretrain_epochs, batch_size = 4, decay_every = max(1, pretrain_epochs * 3 // 4))
",
    );
    if folder.clinical > 0 {
        text += "# Then the model adapts to the clinic's own images; its uncertainty chooses the patches that are hidden.
adapt(
    model,
    clinic,
    epochs = adapt_epochs,
    refresh = 20,
    samples = samples,
    batch_size = 4,
    decay_every = max(1, adapt_epochs * 3 // 4),
)
plot(model)
";
    }
    text += &format!(
        "# The scorer learns from simulated lesions how this model reconstructs lesions.
train_scorer(model, {healthy}, epochs = scorer_epochs, samples = samples)
"
    );
    if folder.can_calibrate() {
        text += "calibrate(model, reference, samples)
";
    }
    text + "save_model(model, output_dir() + \"/model.safetensors\")
"
}

fn detect(folder: &DataFolder) -> String {
    let baseline = match folder.has_ground_truth() {
        true => {
            "# The simplest method that could work, to compare with.
baseline = detect(intensity_threshold(), clinic)
"
        }
        false => "",
    };
    format!(
        "# 3. Findings: scores of patients and segments, maps that lie on the images, a page to hand over.
found = detect(model, clinic, samples)
{baseline}export(found, output_dir() + \"/derivatives\")
report(found, output_dir() + \"/findings.html\", model = model)
table(found)
plot(found.highest)
"
    )
}

fn evaluate(folder: &DataFolder) -> String {
    if folder.has_ground_truth() {
        let threshold = match folder.can_calibrate() {
            true => ", threshold = detect(intensity_threshold(), reference)",
            false => "",
        };
        return format!(
            "# 4. Evaluation against the known lesions. The model has adapted to these images, but never saw their lesion masks.
evaluated = [evaluate(found), evaluate(baseline{threshold})]
table(evaluated)
plot(evaluated)
table(compare(evaluated[0], evaluated[1]))
"
        );
    }
    "# 4. No lesion is known, so nothing can be evaluated. With lesion masks (NAME_label-lesion_seg.nii.gz) or a column
# has_lesion in participants.tsv, `u2ad new` writes the evaluation, too. help(paint_lesions) tells how to measure
# with simulated lesions instead.
"
    .to_owned()
}

/// A text as the language writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::dialect::parse;

    #[test]
    fn scripts_for_all_kinds_of_data_are_valid() {
        let full = DataFolder {
            path: "my \"data\"".into(),
            healthy: 20,
            clinical: 8,
            with_lesion: 4,
            is_bids: true,
            ..DataFolder::default()
        };
        let folders = [
            full.clone(),
            DataFolder { healthy: 3, without_mask: 11, ..full.clone() },
            DataFolder {
                healthy: 0,
                with_lesion: 0,
                healthy_rule: Some("a == 'b'".into()),
                ..full.clone()
            },
            DataFolder {
                clinical: 0,
                with_lesion: 0,
                is_bids: false,
                without_mask: 2,
                unusable: 1,
                ..full.clone()
            },
        ];
        for folder in &folders {
            let text = text(folder, "a/my_study.star");
            assert!(parse("study.star", &text).is_ok(), "{text}");
            assert!(text.lines().all(|line| line.len() <= 120), "{text}");
            assert!(text.contains("runs/my-study."), "{text}");
        }
        let [full, few, unknown, healthy] = folders.map(|folder| text(&folder, "study.star"));
        assert!(
            full.contains("calibrate(model, reference") && full.contains("evaluate(found)"),
            "{full}"
        );
        assert!(
            !full.contains("segment(") && full.contains(r#"parameter("data", "my \"data\"")"#),
            "{full}"
        );
        assert!(few.contains("segment(everyone)") && !few.contains("reference"), "{few}");
        assert!(
            unknown.contains("healthy = \"a == 'b'\"") && !unknown.contains("evaluate("),
            "{unknown}"
        );
        assert!(
            !healthy.contains("adapt(") && healthy.contains("everyone[:len(everyone) // 2]"),
            "{healthy}"
        );
    }
}
