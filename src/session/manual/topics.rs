//! Topics of `help`: answers to what people ask in words.

/// A page of `help` that is about no verb and no type.
pub(super) struct Topic {
    /// Names that `help` accepts; the first one is shown.
    pub names: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// Further words by which it is found.
    pub words: &'static str,
    /// What to do, in paragraphs.
    pub text: &'static [&'static str],
}

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        names: &["saving a figure", "save figure", "save plot", "save a figure", "savefig"],
        summary: "How to get a figure as a file.",
        words: "save figure plot png svg picture file chart",
        text: &[
            "A script and the shell keep every figure that `plot` draws or a value shows, as PNG and SVG, in the run folder, such as runs/study or runs/shell: 01-….png \
             and so on. `plot` itself returns nothing.",
            "In JupyterLab, hold Shift, right-click the figure and choose the browser's \"Save image as…\". The notebook keeps \
             the figure as SVG and PNG as well.",
            "`save(image, \"map.png\")` writes one map to a file of your choice, also as .nii.gz, .npy or .tsv.",
        ],
    },
    Topic {
        names: &["heatmap", "overlay", "slider", "interactive viewer", "dark mode"],
        summary: "How to look at slices with maps over them.",
        words: "heatmap overlay slider viewer interactive dark theme opacity window scroll",
        text: &[
            "`view(found[0])` and `view(cohort[0])` show every slice to leaf through: with a slider, overlays and their \
             opacity in a notebook, by the arrow keys in the shell. The viewer follows the theme of JupyterLab, and reports \
             that of the browser.",
            "`plot(found[0])` draws the slices with the anomaly map beside them, and the curve along the cord.",
        ],
    },
    Topic {
        names: &["loss curve", "learning curve", "training curve", "convergence"],
        summary: "How to see whether a training has converged.",
        words: "loss curve learning converged plateau history epochs",
        text: &[
            "`plot(model.history)` draws the losses of all epochs so far, `model.history.losses` lists them. During a training \
             the progress display has the curve of the losses.",
        ],
    },
    Topic {
        names: &["stop training", "cancel training", "interrupt"],
        summary: "How to stop a training, and what is kept.",
        words: "stop cancel interrupt abort training ctrl-c",
        text: &[
            "Ctrl-C, or the stop button of a notebook, ends a training within a second. The model keeps its finished epochs \
             and batches; train it again to go on.",
            "`stop(job)` ends a training that `start` began in the background.",
        ],
    },
    Topic {
        names: &["undo training", "go back", "earlier epoch"],
        summary: "How to go back to an earlier epoch.",
        words: "undo back earlier epoch restore previous model",
        text: &[
            "`rewind(model, 3)` restores the model as it was after epoch 3, with its optimiser; `model.snapshots` lists the \
             epochs that are kept.",
        ],
    },
    Topic {
        names: &["dicom", "load dicom", "import dicom"],
        summary: "How images get in from a hospital's export.",
        words: "dicom hospital pacs convert import",
        text: &[
            "On the command line: `u2ad import DICOM_FOLDER` lists the series, and `u2ad import DICOM_FOLDER BIDS_FOLDER` writes \
             the sagittal T2-weighted ones without names or dates. `load_cohort(\"BIDS_FOLDER\")` loads them then.",
        ],
    },
    Topic {
        names: &["axial images", "axial", "coronal", "coronal images", "sagittal"],
        summary: "Which planes are examined: sagittal slices only.",
        words: "axial coronal sagittal plane orientation transverse",
        text: &[
            "The method is for sagittal T2-weighted images. Where a subject has a sagittal series and an axial or coronal one, \
             `load_cohort` takes the sagittal one.",
            "A subject with thick axial or coronal slices alone is left out, with a reason. docs/data.md says what images are \
             needed.",
        ],
    },
    Topic {
        names: &["new patient", "new image", "new patients", "new subject", "another patient"],
        summary: "How to examine a patient with a model that is trained already.",
        words: "new patient image subject examine predict inference apply clinical",
        text: &[
            "In a session: `model = load_model(\"model.safetensors\")`, `people = load_cohort(\"FOLDER\")`, \
             `found = detect(model, people)`, then `view(found[0])`, or `report(found, \"found.html\")` for a page.",
            "On the command line: `u2ad screen IMAGE --model model.safetensors --report found.html`, which finds the masks \
             itself; `segment` does so in a session.",
            "A model that was calibrated with healthy subjects (`calibrate`) gives p-values and thresholds as well.",
        ],
    },
    Topic {
        names: &["numpy", "matplotlib", "python library", "histogram"],
        summary: "What stands here for Python's libraries.",
        words: "numpy matplotlib scipy library module python histogram",
        text: &[
            "There are no modules. Maps have arithmetic, `.mean`, `.std`, `.percentile(95)` and `.where(mask)`; `plot(value)` \
             draws a figure; docs/guide/language.md has the differences from Python.",
            "For anything else, `export(found, folder)` writes maps and tables for Python, or write a cell in Rust \
             (`%%rust`).",
        ],
    },
    Topic {
        names: &["slice number", "slice index", "voxel index"],
        summary: "Which number a slice has: from the patient's right, and in the file.",
        words: "slice number index voxel counted right left",
        text: &[
            "`slice.index` counts the slices of the volume from the patient's right, from 0. Figures, tables and reports \
             call it \"slice\".",
            "`slice.voxel` is the voxel index of the same slice in the image file, as viewers count and as exported \
             tables do (`slice` in the tables of `export`). Which of both is larger depends on how the file is stored.",
        ],
    },
    Topic {
        names: &["dice", "pixel dice"],
        summary: "Overlap of detected and true lesion pixels, and at which threshold.",
        words: "dice overlap iou jaccard",
        text: &[
            "`evaluate(found).pixel_dice` is the Dice coefficient of all scoring pixels at the threshold of the \
             patients' scores (`.threshold`), not at the lesion threshold.",
            "The Dice of each lesion, at the lesion threshold, is in `found.lesion_matches()` and in lesion_matches.tsv \
             of `export`.",
        ],
    },
    Topic {
        names: &["overfitting", "early stopping", "best epoch"],
        summary: "How to find and go back to the best epoch of a training.",
        words: "overfit validation stopping best epoch snapshot",
        text: &[
            "Training keeps snapshots: `model.snapshots` lists them, `rewind(model, epoch = 12)` goes back. Choose the \
             epoch by subjects that are not evaluated later.",
            "`plot(model)` shows the losses; a loss that falls says little about what is detected.",
        ],
    },
    Topic {
        names: &["cross validation", "folds", "train test split"],
        summary: "How to cut a cohort into folds.",
        words: "cross validation fold split train test held out",
        text: &[
            "Cohorts are cut like lists: `cohort[0:10]`, `cohort[10:]`, `cohort.where(site = \"a\")`. Train on one part \
             and evaluate on the other; the recipes in docs/guide/language.md have a loop over folds.",
        ],
    },
    Topic {
        names: &["resume training", "continue training", "resuming"],
        summary: "How a training goes on that was stopped.",
        words: "resume continue training interrupted killed checkpoint",
        text: &[
            "In a script: `u2ad run --resume runs/NAME` goes on from the last checkpoint, with the same bits.",
            "In the shell: the model keeps its finished epochs after Ctrl-C, so call `pretrain` or `adapt` again. After \
             the end of a session, `u2ad --resume` brings its values back.",
            "`save_model(model, path)` and `load_model(path)` carry a model to another session, with its optimiser.",
        ],
    },
    Topic {
        names: &["memory", "out of memory", "ram"],
        summary: "How much memory u2ad takes, and what to do if it is too much.",
        words: "memory ram gigabytes budget stopped",
        text: &[
            "u2ad holds at most 80 % of the memory of the machine or job; `--memory GB` or U2AD_MEMORY sets another \
             limit. What needs more is stopped with an error.",
            "Smaller slices (`size`), a smaller model (`preset`) and smaller batches (`batch_size`) need less.",
        ],
    },
    Topic {
        names: &["read csv", "csv", "read table", "pandas"],
        summary: "How tables get in and out.",
        words: "read csv tsv table excel pandas dataframe column participants",
        text: &[
            "Columns of participants.tsv come with the cohort: `cohort.where(site = \"a\")`, `subject.participant`. Put \
             your own columns there; no verb reads other tables.",
            "`rows(value)` gives the numbers of a value as dictionaries, `table(value, \"file.tsv\")` writes them.",
        ],
    },
    Topic {
        names: &["disc", "discs", "vertebral level", "level"],
        summary: "Where vertebral levels come from, and how to correct them.",
        words: "disc vertebra vertebral level label c2 c3",
        text: &[
            "Levels come from disc labels beside the image (_labels-disc and other names, see docs/data.md), or from \
             `segment`, which finds the discs from C1/C2 to T1/T2.",
            "If it leaves them open or names them wrongly, give one that you see yourself: \
             `segment(cohort, discs = {\"sub-07\": (\"C5/C6\", (6, 140, 121))})`.",
        ],
    },
    Topic {
        names: &["square root", "power", "exponent", "logarithm"],
        summary: "Which functions on numbers there are.",
        words: "square root power exponent math mathematics",
        text: &[
            "`sqrt(x)` is the square root, `x * x` the square; there is no `**`. Others: abs, round, sum, mean, min, max, \
             sorted, format.",
            "For all other mathematics, write a cell in Rust (`%%rust`), see docs/rust-cells.md.",
        ],
    },
    Topic {
        names: &["gpu", "cuda", "graphics card"],
        summary: "How to compute on a graphics card.",
        words: "gpu cuda metal graphics card device",
        text: &[
            "`device()` says where u2ad computes, `device(\"cuda\")` or `--device cuda` chooses. The build must have the \
             feature for it (docs/guide/install.md); `u2ad doctor` says what this build and this machine have.",
        ],
    },
];

impl Topic {
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}
