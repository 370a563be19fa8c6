//! Values in scripts: maps, lesions, tables and signals answer questions in a line.

use std::fs;

use u2ad::context::Context;
use u2ad::phantom::{PhantomOptions, write_bids};

use crate::common::Place;

/// Numbers are at hand without a detour over files.
#[test]
fn maps_slices_and_lesions_answer_questions_in_one_line() {
    let place = Place::new();
    let source = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 64, fov_mm = 128)
found = detect(intensity_threshold(), people)
one = found[0].slices[len(found[0].slices) // 2]
image, cord = one.slice.image, one.slice.cord
inside = image.where(cord)
print(len(found[0].slices) == len(people[0]), one.slice.voxel, inside.count == round(cord.sum))
print(inside.minimum <= inside.mean, inside.mean <= inside.maximum, inside.std > 0)
print((image - image).maximum, (image + 1).minimum >= 1, (cord & image.above(2)).sum)
print(inside.percentile(0) == inside.minimum, image[0][0] == image.pixel(0, 0), len(image))
lesions = found.lesions(0.2)
print(sorted(lesions[0].keys())[:3], sum([1, 2, 3]), format(0.5, '.0%'))
table(lesions, 'lesions.tsv'); table(found.lesions(1000)); table(found.true_lesions()); table(found[0].lesion_load(0.2))
matches = found.lesion_matches(0.2)
counted = [len([m for m in matches if m['status'] == s]) for s in ('detected', 'missed')]
print(sum(counted) == len(found.true_lesions()), sum([l['volume_mm3'] for l in found.lesions(0.2)]) > 0)
table([{'subject': f.subject, 'score': f.score} for f in found], 'scores.tsv')
save(image, 'image.npy'); save(image, 'image.tsv'); save(image, 'image.png')
save(image, 'image.nii.gz')
";
    let ended = place.run(source, &[]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines[0].starts_with("True ") && lines[0].ends_with(" True"), "{}", ended.out);
    assert_eq!(lines[1], "True True True");
    assert_eq!(lines[2], "0.0 True 0.0");
    assert_eq!(lines[3], "True True 64");
    assert_eq!(lines[4], "[\"breadth_mm\", \"centreline_mm\", \"cord_share\"] 6 50%");
    assert!(ended.out.contains("\nTrue True\n"), "{}", ended.out);
    let refused = place.run(
        "detect(intensity_threshold(), phantom_cohort(subjects = 2, size = 64)).lesions()",
        &[],
    );
    assert!(refused.err.contains("has no natural threshold; give one"), "{}", refused.err);
    let table = fs::read_to_string(place.path("scores.tsv")).unwrap();
    assert!(table.starts_with("subject\tscore\nsub-"), "{table}");
    let volume = u2ad::volume::Volume::read(&place.path("image.nii.gz")).unwrap();
    assert_eq!(volume.voxels.dim(), (1, 64, 64));
    for name in ["image.npy", "image.tsv", "image.png"] {
        assert!(place.path(name).is_file(), "{name}");
    }
    let refused = place.run("save(phantom_cohort(subjects = 2)[0].image, 'a.jpg')", &[]);
    assert!(refused.err.contains("saved as .nii.gz, .nii, .npy, .tsv or .png"), "{}", refused.err);
    let refused = place.run("people = phantom_cohort(subjects = 2)\npeople[0].image + 'x'", &[]);
    assert!(refused.err.contains("not with a value of type string"), "{}", refused.err);
}

/// Files and rows hold numbers, where a reader sees intervals as text.
#[test]
fn tables_of_evaluations_and_signals_are_rows_to_compute_with() {
    let place = Place::new();
    let source = "
people = phantom_cohort(subjects = 8, pixel_spacing_mm = 2, size = 64, fov_mm = 128)
one, other = [evaluate(detect(intensity_threshold(local_mm), people)) for local_mm in (None, 20)]
table([one, other], 'methods.tsv'); table(compare(one, other), 'compared.tsv')
row = rows(one)[0]
print(row['method'], row['patient_auroc'] == one.auroc, 'ssim' in row, one.ssim)
print(row['patient_f1_low'] <= row['patient_f1'], row['patient_f1'] <= row['patient_f1_high'])
print(len(rows([one, other])), len(rows(detect(intensity_threshold(), people))) == len(people))
curves = signal_curve(people)
print(len(curves) == len(people), curves[0].subject == people[0].name)
curve = signal_curve(people[0])
print(curve.levels == [r for r in rows(curves) if r['subject'] == curve.subject])
print(len(curve.positions) == len(curve.signal), min(curve.signal) > 0, curve.csf > max(curve.signal))
show(curves); show(curve); table(curves, 'signal.tsv')
signal_curve('people')
";
    let ended = place.run(source, &[]);
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.out, ended.err);
    assert!(ended.err.contains("error: signal_curve: `of` must be "), "{}", ended.err);
    for line in ["intensity threshold True False None", "True True", "2 True", "True"] {
        assert!(ended.out.contains(&format!("\n{line}\n")), "{line}: {}", ended.out);
    }
    let (names, lines) = tsv(&place, "methods.tsv");
    assert_eq!(lines.len(), 2);
    for name in ["patient_auroc", "patient_f1_high", "patient_sensitivity_low"] {
        let at = names.iter().position(|one| one == name).expect(name);
        assert!(lines.iter().all(|line| line[at].parse::<f64>().is_ok()), "{name}: {lines:?}");
    }
    let (names, _) = tsv(&place, "compared.tsv");
    assert_eq!(names[3..7], ["difference", "difference_low", "difference_high", "p_value"]);
    let (names, lines) = tsv(&place, "signal.tsv");
    assert_eq!(names[..2], ["subject", "level"]);
    assert!(lines.len() >= 4 * 5, "{lines:?}");
}

/// The names and the lines of a table.
fn tsv(place: &Place, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = fs::read_to_string(place.path(name)).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect());
    (lines.next().unwrap(), lines.collect())
}

/// One patient without a lesion mask does not cost the lesions of the others.
#[test]
fn a_patient_without_a_lesion_mask_is_left_out_of_the_rows_of_true_lesions() {
    let place = Place::new();
    let options = PhantomOptions {
        subjects: 3,
        clinical: Some(3),
        with_lesions: Some(3),
        pixel_spacing_mm: 2.0,
        ..PhantomOptions::default()
    };
    write_bids(&place.path("bids"), &options, &Context::new(3)).unwrap();
    let mask = "sub-clinic02/anat/sub-clinic02_T2w_label-lesion_seg.nii.gz";
    fs::remove_file(place.path("bids/derivatives/labels").join(mask)).unwrap();
    let source = "
found = detect(intensity_threshold(), load_cohort('bids', size = 64, fov_mm = 128))
lesions, matches = found.true_lesions(), found.lesion_matches(0.2)
print(sorted(set([row['subject'] for row in lesions])), len(matches) >= len(lesions))
found['sub-clinic02'].true_lesions()
";
    let ended = place.run(source, &[]);
    assert!(
        ended.err.contains("sub-clinic02 is left out: its lesions are not known"),
        "{}",
        ended.err
    );
    assert!(!ended.out.contains("sub-clinic02") && ended.out.contains("] True"), "{}", ended.out);
    assert!(ended.err.contains("its lesions are not known; give lesion masks"), "{}", ended.err);
}
