//! Files of weights from elsewhere, and files that are none.

use std::collections::BTreeMap;

use u2ad::training::Model;

fn bits(model: &Model) -> BTreeMap<String, Vec<u32>> {
    let bits = |tensor: candle_core::Tensor| -> Vec<u32> {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    model.parameters.tensors().into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
}

#[test]
fn published_weights_load_without_our_description() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/weights.safetensors");
    let model = Model::load(path.as_ref(), &candle_core::Device::Cpu).unwrap();
    let sizes =
        (model.config.image, model.config.embed_dim, model.config.depth, model.config.heads);
    assert_eq!(sizes, (64, 32, 3, 4));
}

#[test]
fn a_checkpoint_of_pytorch_loads_and_damaged_ones_are_refused() {
    let fixture = |ending: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        std::path::Path::new(folder).join(format!("checkpoint.{ending}"))
    };
    let load = |path: &std::path::Path| Model::load(path, &candle_core::Device::Cpu);
    let (saved, same) = (load(&fixture("pth")).unwrap(), load(&fixture("safetensors")).unwrap());
    assert_eq!(saved.config, same.config);
    assert_eq!(bits(&saved), bits(&same));

    let bytes = std::fs::read(fixture("pth")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pth");
    for place in (0..bytes.len()).step_by(61) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&path, &damaged).unwrap();
        if let Err(error) = load(&path) {
            let error = error.to_string();
            assert!(error.contains("damaged.pth") && error.lines().count() == 1, "{error}");
        }
    }
    for length in (0..bytes.len()).step_by(997) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = load(&path).err().expect("its end is missing").to_string();
        assert!(error.contains("damaged.pth") && error.lines().count() == 1, "{error}");
    }
    std::fs::write(&path, b"\x80\x02\x8a\n").unwrap();
    let error = load(&path).err().unwrap().to_string();
    assert!(error.contains("before 1.6"), "{error}");
}

#[test]
fn files_that_are_no_checkpoint_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a model").unwrap();
    let load = |path: &std::path::Path| Model::load(path, &candle_core::Device::Cpu);
    let error = load(&path).err().unwrap().to_string();
    assert!(error.contains("notes.txt: is not a model checkpoint"), "{error}");
    let missing = load(&folder.path().join("none")).err().unwrap().to_string();
    assert!(missing.contains("none: "), "{missing}");
    let other = folder.path().join("other.safetensors");
    let tensor = candle_core::Tensor::zeros(3, candle_core::DType::F32, &candle_core::Device::Cpu);
    tensor.unwrap().save_safetensors("x", &other).unwrap();
    let error = load(&other).err().unwrap().to_string();
    assert!(error.contains("\"patch_embed.proj.weight\" is missing"), "{error}");
}
