use candle_core::{DType, Device, Tensor};
use tempfile::tempdir;

use super::*;

fn crossed(value: impl ToSessionValue) -> SessionValue {
    let folder = tempdir().unwrap();
    let file = folder.path().join("value.safetensors");
    let (arrays, notes) = value.pack().unwrap();
    write_value(&file, &arrays, notes).unwrap();
    // The folder goes now: what is mapped stays.
    SessionValue::open(&file).unwrap()
}

#[test]
fn tensors_cross_bit_by_bit() {
    let odd = [0.1f32, -0.0, f32::MIN_POSITIVE / 2.0, 1e38, f32::NAN, f32::INFINITY];
    let tensor = Tensor::from_slice(&odd, (2, 3), &Device::Cpu).unwrap();
    let session_value = crossed(&tensor);
    assert_eq!((session_value.kind(), session_value.names()), ("Image", vec!["maps".to_owned()]));
    let back = session_value.tensor("maps").unwrap();
    assert_eq!(back.dims(), [2, 3]);
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&back.flatten_all().unwrap().to_vec1().unwrap()), bits(&odd));
    let transposed = tensor.t().unwrap().unsqueeze(0).unwrap();
    assert_eq!(crossed(&transposed).tensor("maps").unwrap().dims(), [1, 3, 2]);
}

#[test]
fn numbers_texts_and_lists_cross() {
    assert_eq!(crossed(0.1f64).number().unwrap(), 0.1);
    assert_eq!(crossed(7usize).number().unwrap(), 7.0);
    assert_eq!(crossed("für \"alle\"\n").text().unwrap(), "für \"alle\"\n");
    let list = crossed(vec![1.0, 2.5]);
    assert_eq!(list.kind(), "numbers");
    assert_eq!(list.tensor("value").unwrap().to_vec1::<f64>().unwrap(), [1.0, 2.5]);
}

#[test]
fn what_means_nothing_to_the_session_is_refused() {
    let tensor = Tensor::zeros((1, 2, 3, 4), DType::F32, &Device::Cpu).unwrap();
    let error = tensor.pack().err().unwrap().to_string();
    assert!(error.contains("[1, 2, 3, 4]") && error.contains("an image has 2"), "{error}");
    let session_value = crossed(1.0f64);
    let error = session_value.tensor("image").unwrap_err().to_string();
    assert_eq!(error, "this number has no tensor \"image\"; there are value");
    assert_eq!(session_value.text().unwrap_err().to_string(), "the value is a number, not a text");
}

#[test]
fn a_file_that_is_none_of_ours_gives_a_sentence() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("hostile.safetensors");
    let header = br#"{"maps":{"dtype":"F32","shape":[9999999,9999999],"data_offsets":[0,4]}}"#;
    let mut overlong = (header.len() as u64).to_le_bytes().to_vec();
    overlong.extend_from_slice(header);
    overlong.extend_from_slice(&[0; 4]);
    let cases: [&[u8]; 5] =
        [b"", b"short", &[0xff; 64], &[2, 0, 0, 0, 0, 0, 0, 0, b'{'], &overlong];
    for bytes in cases {
        std::fs::write(&file, bytes).unwrap();
        let error = SessionValue::open(&file).unwrap_err().to_string();
        assert!(error.contains("hostile.safetensors: "), "{error}");
    }
    assert!(SessionValue::open(&folder.path().join("missing")).is_err());
}

#[test]
fn a_request_survives_its_prompt() {
    let name = "cohort: \"ä\"".to_owned();
    let request = Request::Set { name, file: "/tmp/a b:c".into() };
    let prompt = request.to_prompt();
    assert!(!prompt.contains([':', '\n']), "{prompt}");
    assert_eq!(Request::from_prompt(&prompt), Some(request));
    assert_eq!(Request::from_prompt("Your name"), None);
    assert_eq!(Request::from_prompt(&format!("{PROMPT}!!")), None);
}

#[test]
fn without_a_session_a_request_says_so() {
    let error = session.get("clinic").unwrap_err().to_string();
    assert!(error.starts_with("there is no session here"), "{error}");
    assert!(session.set("mine", 1.0).is_err());
}
