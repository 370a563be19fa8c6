"""Scores and lesion volumes of the quickstart, computed again from its export with nibabel and pandas alone."""

import pathlib
import subprocess
import unittest

import nibabel
import pandas

from test_export import export_folder

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/release/u2ad"
TOLERANCE = 1e-5
SHORT = ["subjects=6", "pretrain_epochs=2", "rounds=1", "epochs_per_round=1"]


class Scores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = export_folder(cls, "quickstart")
        folder.mkdir(parents=True, exist_ok=True)
        cls.derivatives, cls.uncertainty = folder / "derivatives", folder / "uncertainty"
        cls.learned = folder / "learned"
        script = folder / "quickstart.star"
        quickstart = (ROOT / "tutorials/01-quickstart.star").read_text()
        script.write_text(
            f"{quickstart}\n"
            f"export(residual, {str(cls.derivatives)!r}, lesion_threshold = 0.3)\n"
            f"export(found, {str(cls.learned)!r}, lesion_threshold = 0.3)\n"
            f"export(uncertainty, {str(cls.uncertainty)!r})\n"
        )
        command = [PROGRAM, "run", script, "--out", folder / "runs"]
        for parameter in SHORT:
            command += ["-p", parameter]
        cls.output = subprocess.run(command, capture_output=True, text=True)

    def setUp(self):
        self.assertEqual(self.output.returncode, 0, self.output.stderr)

    def table(self, name, folder=None):
        return pandas.read_csv((folder or self.derivatives) / name, sep="\t")

    def load(self, folder, subject, ending):
        return nibabel.load(folder / subject / "anat" / f"{subject}_{ending}.nii.gz")

    def subjects(self):
        subjects = sorted(path.name for path in self.derivatives.glob("sub-*"))
        self.assertEqual(len(subjects), 3)
        return subjects

    def test_patient_scores_follow_from_the_maps(self):
        # The highest value above the curve's mean, and the highest lesion probability.
        self.check_scores(self.derivatives, lambda peaks: peaks.max() - peaks.mean())
        self.check_scores(self.learned, lambda peaks: peaks.max())

    def check_scores(self, folder, rule):
        scores = self.table("scores.tsv", folder)
        patients = scores[scores["level"] == "patient"].set_index("participant_id")["score"]
        for subject in self.subjects():
            anomaly = self.load(folder, subject, "res-u2ad_desc-anomaly_T2w").get_fdata()
            points = self.load(folder, subject, "res-u2ad_desc-curve_dseg").get_fdata()
            path = folder / subject / "anat" / f"{subject}_desc-anomaly_curve.tsv"
            curves = pandas.read_csv(path, sep="\t").groupby("map_slice")
            self.assertEqual([place for place, _ in curves], [n for n, one in enumerate(points) if one.any()])
            highest = []
            for place, curve in curves:
                values, places = anomaly[place], points[place]
                pixels = pandas.DataFrame({"point": places.ravel(), "value": values.ravel()})
                peaks = pixels[pixels["point"] > 0].groupby("point")["value"].max()
                curve = curve.set_index("point")
                self.assertLess((peaks - curve["anomaly"]).abs().max(), TOLERANCE)
                highest.append(rule(peaks[curve["segment"].notna()]))
            with self.subTest(folder=folder.name, subject=subject):
                self.assertLess(abs(max(highest) - patients[subject]), TOLERANCE)

    def test_lesion_volumes_follow_from_the_maps(self):
        lesions = self.table("lesions.tsv").set_index(["participant_id", "lesion"])
        load = self.table("lesion_load.tsv")
        load = load[load["segment"] == "all"].set_index("participant_id")
        compared = 0
        for subject in self.subjects():
            labels = self.load(self.derivatives, subject, "desc-lesions_dseg")
            mask = self.load(self.derivatives, subject, "label-lesion_desc-u2ad_mask").get_fdata()
            voxel = abs(nibabel.affines.voxel_sizes(labels.affine).prod())
            numbers = labels.get_fdata()
            self.assertTrue(((numbers > 0) == (mask > 0)).all())
            counts = pandas.Series(numbers[numbers > 0].ravel()).value_counts()
            for number, voxels in counts.items():
                with self.subTest(subject=subject, lesion=number):
                    stored = lesions.loc[(subject, int(number)), "volume_mm3"]
                    self.assertLess(abs(voxels * voxel / stored - 1.0), TOLERANCE)
                    compared += 1
            total = float(mask.sum() * voxel)
            stored = load.loc[subject, "volume_mm3"]
            self.assertLess(abs(total - stored), TOLERANCE * max(stored, 1.0))
        self.assertEqual(compared, len(lesions))
        self.assertGreater(compared, 0)

    def test_epistemic_and_aleatoric_uncertainty_are_exported_apart(self):
        means = pandas.read_csv(self.uncertainty / "uncertainty.tsv", sep="\t").set_index("participant_id")
        for subject in self.subjects():
            for kind in ("epistemic", "aleatoric"):
                for folder in (self.uncertainty, self.derivatives):
                    values = self.load(folder, subject, f"desc-{kind}_T2w").get_fdata()
                    self.assertGreater(values.max(), 0.0)
                    self.assertGreaterEqual(values.min(), 0.0)
                self.assertGreater(means.loc[subject, kind], 0.0)


if __name__ == "__main__":
    unittest.main()
