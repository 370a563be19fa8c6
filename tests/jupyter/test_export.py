"""What `export` writes, read by nibabel as other programs read it."""

import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import nibabel
import numpy
import skimage.measure

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/release/u2ad"
THRESHOLD = 0.3
# Order of the axes (slices from right to left, rows from superior to inferior, columns from anterior to
# posterior, and other orders in which scanners store the same), turn about each of the patient's axes in
# degrees, codes of sform and qform (0: absent), and edges of a voxel in mm.
SUBJECTS = {
    "RSA": ((0, 0, 11), (1, 1), (3.0, 1.0, 1.0)),
    "LIP": ((0, 0, 0), (2, 0), (3.0, 1.0, 1.0)),
    "ASR": ((9, 0, 0), (0, 1), (3.0, 1.0, 1.0)),
    "PIL": ((-12, 7, 5), (4, 1), (3.0, 1.0, 1.0)),
    "SAL": ((0, 14, 0), (1, 3), (3.3, 0.9, 0.8)),
    "ILP": ((6, -8, 13), (1, 2), (2.5, 0.8, 1.1)),
    "ARS": ((0, 0, -15), (0, 2), (3.0, 1.2, 0.9)),
    "IAR": ((4, 4, 4), (3, 3), (1.5, 1.0, 1.0)),
}
LESION = numpy.array([6, 50, 48])


def export_folder(case, name):
    """Where a test exports: a temporary folder, or one that scripts/validate-bids.sh wants to look at."""
    if kept := os.environ.get("U2AD_TEST_EXPORTS"):
        return pathlib.Path(kept) / name
    temporary = tempfile.TemporaryDirectory()
    case.addClassCleanup(temporary.cleanup)
    return pathlib.Path(temporary.name)


def rotation(degrees):
    """Turns about x, y and z, one after the other."""
    turned = numpy.eye(3)
    for axis, turn in enumerate(numpy.radians(degrees)):
        one, (a, b) = numpy.eye(3), [(1, 2), (2, 0), (0, 1)][axis]
        one[a, a], one[a, b], one[b, a], one[b, b] = numpy.cos(turn), -numpy.sin(turn), numpy.sin(turn), numpy.cos(turn)
        turned = one @ turned
    return turned


def subject(orientation):
    """Image, cord and fluid of a straight cord with one bright lesion, and the scanner coordinates of the
    lesion's centre."""
    turns, (sform, qform), edges = SUBJECTS[orientation]
    slices, rows, columns = numpy.indices((13, 100, 96))
    away = numpy.hypot(edges[0] * (slices - 6), edges[2] * (columns - 48))
    cord, fluid = away < 6, (away >= 6) & (away < 9)
    image = 120.0 + 20.0 * numpy.sin(rows / 5.0) * numpy.cos(columns / 7.0)
    image[cord], image[fluid] = 200.0 + 5.0 * numpy.sin(rows[cord]), 600.0
    distance = numpy.sqrt(
        (edges[0] * (slices - LESION[0])) ** 2
        + (edges[1] * (rows - LESION[1]) / 2) ** 2
        + (edges[2] * (columns - LESION[2])) ** 2
    )
    image[distance < 3] = 480.0
    # Columns of the matrix: one step to the left, down, to the back.
    steps = numpy.array([[-edges[0], 0, 0], [0, 0, -edges[2]], [0, -edges[1], 0]])
    affine = numpy.eye(4)
    affine[:3, :3] = rotation(turns) @ steps
    affine[:3, 3] = [20.0, 45.0, 60.0]
    centre = nibabel.affines.apply_affine(affine, LESION)
    wanted = nibabel.orientations.axcodes2ornt(orientation)
    # Codes of the axes as they are: the turns are too small to change them.
    unturned = nibabel.orientations.axcodes2ornt("LIP")

    def stored(values):
        one = nibabel.Nifti1Image(values.astype(numpy.float32), affine)
        one = one.as_reoriented(nibabel.orientations.ornt_transform(unturned, wanted))
        # Setting one form changes the affine of the image until the other is set.
        place = one.affine.copy()
        one.set_qform(place, code=qform)
        one.set_sform(place, code=sform)
        one.header.set_xyzt_units("mm", "sec")
        return one

    return [stored(values) for values in (image, cord, fluid)], centre


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = export_folder(cls, "orientations")
        cls.raw, cls.derivatives = folder / "raw", folder / "derivatives"
        cls.centres = {}
        for orientation in SUBJECTS:
            name = f"sub-{orientation}"
            anat, labels = cls.raw / name / "anat", cls.raw / "derivatives/labels" / name / "anat"
            anat.mkdir(parents=True)
            labels.mkdir(parents=True)
            (image, cord, fluid), cls.centres[name] = subject(orientation)
            image.to_filename(anat / f"{name}_T2w.nii.gz")
            cord.to_filename(labels / f"{name}_label-SC_seg.nii.gz")
            fluid.to_filename(labels / f"{name}_label-CSF_seg.nii.gz")
        script = folder / "export.star"
        script.write_text(
            f"people = load_cohort({str(cls.raw)!r}, size = 96, fov_mm = 96)\n"
            f"found = detect(intensity_threshold(), people)\n"
            f"export(found, {str(cls.derivatives)!r}, lesion_threshold = {THRESHOLD})\n"
        )
        command = [PROGRAM, "run", script, "--out", folder / "runs"]
        cls.output = subprocess.run(command, capture_output=True, text=True)

    def rows(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    def maps(self):
        self.assertEqual(self.output.returncode, 0, self.output.stderr)
        for name in self.centres:
            anat = self.derivatives / name / "anat"
            yield name, anat, nibabel.load(self.raw / name / "anat" / f"{name}_T2w.nii.gz")

    def test_every_map_lies_on_its_source_image(self):
        for name, anat, source in self.maps():
            maps = [path for path in sorted(anat.glob("*.nii.gz")) if "_res-" not in path.name]
            self.assertGreaterEqual(len(maps), 4)
            for path in maps:
                with self.subTest(path.name):
                    written = nibabel.load(path)
                    self.assertEqual(written.shape, source.shape)
                    numpy.testing.assert_allclose(written.affine, source.affine, atol=1e-5)
                    self.assertEqual(nibabel.aff2axcodes(written.affine), tuple(name[4:]))
                    for key in ("sform_code", "qform_code", "xyzt_units"):
                        self.assertEqual(written.header[key], source.header[key], key)
                    for form in ("get_sform", "get_qform"):
                        ours, theirs = getattr(written.header, form)(), getattr(source.header, form)()
                        numpy.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=form)
                    zooms = written.header.get_zooms()
                    numpy.testing.assert_allclose(zooms, source.header.get_zooms())
                    kind = path.name.removesuffix(".nii.gz").rsplit("_", 1)[1]
                    expected = {"mask": numpy.uint8, "dseg": numpy.uint16}.get(kind, numpy.float32)
                    self.assertEqual(written.get_data_dtype(), expected)
                    # Nothing is scaled, so that programs which ignore the scaling read the same.
                    self.assertEqual(written.dataobj.slope, 1.0)
                    self.assertEqual(written.dataobj.inter, 0.0)
                    sidecar = json.loads((anat / path.name.replace(".nii.gz", ".json")).read_text())
                    reference = f"bids:raw:{name}/anat/{name}_T2w.nii.gz"
                    self.assertEqual(sidecar["Sources"], [reference])
                    self.assertTrue(sidecar["Description"] and sidecar["Units"])
        description = json.loads((self.derivatives / "dataset_description.json").read_text())
        self.assertEqual(description["DatasetLinks"], {"raw": self.raw.resolve().as_uri()})

    def test_maps_on_preprocessed_pixels_lie_where_the_others_do(self):
        for name, anat, _ in self.maps():
            with self.subTest(name):
                fine = nibabel.load(anat / f"{name}_res-u2ad_desc-anomaly_T2w.nii.gz")
                values = fine.get_fdata()
                self.assertEqual(values.shape[1:], (96, 96))
                peak = nibabel.affines.apply_affine(
                    fine.affine, numpy.argwhere(values > 0.8 * values.max()).mean(axis=0)
                )
                self.assertLess(numpy.linalg.norm(peak - self.centres[name]), 2.0)
                sidecar = json.loads((anat / f"{name}_res-u2ad_desc-anomaly_T2w.json").read_text())
                self.assertIn("slices", sidecar["Resolution"])

    def test_the_lesion_comes_back_where_it_was_painted(self):
        lesions = self.rows(self.derivatives / "lesions.tsv")
        for name, anat, source in self.maps():
            with self.subTest(name):
                mask = nibabel.load(anat / f"{name}_label-lesion_desc-u2ad_mask.nii.gz")
                inside = numpy.argwhere(mask.get_fdata() > 0)
                centre = nibabel.affines.apply_affine(mask.affine, inside.mean(axis=0))
                self.assertLess(numpy.linalg.norm(centre - self.centres[name]), 1.0)
                own = [row for row in lesions if row["participant_id"] == name]
                self.assertEqual(len(own), 1)
                listed = numpy.array([float(own[0][key]) for key in ("x_mm", "y_mm", "z_mm")])
                self.assertLess(numpy.linalg.norm(centre - listed), 1e-3)
                volume = len(inside) * numpy.prod(source.header.get_zooms()[:3])
                self.assertAlmostEqual(volume / float(own[0]["volume_mm3"]), 1.0, places=5)

    def test_measures_of_masks_are_those_of_scikit_image(self):
        lesions = self.rows(self.derivatives / "lesions.tsv")
        for name, anat, source in self.maps():
            with self.subTest(name):
                mask = nibabel.load(anat / f"{name}_label-lesion_desc-u2ad_mask.nii.gz")
                zooms = [float(zoom) for zoom in source.header.get_zooms()[:3]]
                # Three axes: voxels that share a face, an edge or a corner are connected.
                labels = skimage.measure.label(mask.get_fdata() > 0, connectivity=3)
                expected = skimage.measure.regionprops(labels)
                own = [row for row in lesions if row["participant_id"] == name]
                self.assertEqual(len(own), len(expected))
                [row], [region] = own, expected
                self.assertEqual(int(row["voxels"]), region.area)
                centre = [float(row[axis]) for axis in "ijk"]
                numpy.testing.assert_allclose(centre, region.centroid, atol=1e-9)
                # The relative tolerance is that of 32-bit voxel sizes in the header.
                [region] = skimage.measure.regionprops(labels, spacing=zooms)
                volume, diameter = float(row["volume_mm3"]), float(row["diameter_mm"])
                numpy.testing.assert_allclose(volume, region.area, rtol=1e-5)
                numpy.testing.assert_allclose(diameter, region.equivalent_diameter_area, rtol=1e-5)
                # Extents of a straight cord, along the axes of the image file. The cord is straight to
                # a tenth of a millimetre and its centre line is fitted.
                axes = nibabel.aff2axcodes(source.affine)
                extents = {}
                for axis, code in enumerate(axes):
                    direction = {"L": "RL", "R": "RL", "S": "SI", "I": "SI"}.get(code, "AP")
                    count = region.bbox[axis + 3] - region.bbox[axis]
                    extents[direction] = float(count) * zooms[axis]
                self.assertAlmostEqual(float(row["length_mm"]), extents["SI"], delta=0.3)
                self.assertAlmostEqual(float(row["width_mm"]), extents["AP"], delta=0.3)
                self.assertAlmostEqual(float(row["breadth_mm"]), extents["RL"], places=4)
                self.assertLess(abs(float(row["midline_mm"])), 0.5)
                dictionary = json.loads((self.derivatives / "lesions.json").read_text())
                self.assertEqual(set(row), set(dictionary))
                self.assertEqual(dictionary["length_mm"]["Units"], "mm")

    def test_scores_can_be_computed_again_from_the_curves(self):
        scores = self.rows(self.derivatives / "scores.tsv")
        for name, anat, _ in self.maps():
            slices = {}
            for row in self.rows(anat / f"{name}_desc-anomaly_curve.tsv"):
                if row["segment"] != "n/a":
                    slices.setdefault(row["slice"], []).append(float(row["anomaly"]))
            again = max(max(curve) - sum(curve) / len(curve) for curve in slices.values())
            own = [row for row in scores if row["participant_id"] == name]
            stored = [float(row["score"]) for row in own if row["level"] == "patient"]
            with self.subTest(name):
                self.assertAlmostEqual(stored[0], again, places=5)


if __name__ == "__main__":
    unittest.main()
