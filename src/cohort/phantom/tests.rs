use super::*;
use std::io::Write;
use std::time::Instant;
#[test]
fn scratch() {
    let n: usize = std::env::var("N").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let c = std::env::var("C").ok().and_then(|s| s.parse().ok());
    let o = PhantomOptions { subjects: n, clinical: c, ..Default::default() };
    let s = Streams::new(seed);
    let t = Instant::now();
    let all: Vec<_> = (0..n).map(|i| draw(&o, i, &s).unwrap()).collect();
    eprintln!("drawn in {:?}", t.elapsed());
    for p in all {
        let dump = |v: &crate::volume::Volume, k: &str| {
            let mut f = std::fs::File::create(format!("/tmp/ph/{}_{k}.bin", p.name)).unwrap();
            let b: Vec<u8> = v.voxels.iter().flat_map(|x| x.to_le_bytes()).collect();
            f.write_all(&b).unwrap();
        };
        dump(&p.volume.image, "im");
        dump(&p.volume.cord, "cord");
        dump(p.volume.csf.as_ref().unwrap(), "csf");
        dump(p.volume.discs.as_ref().unwrap(), "discs");
        if let Some(l) = &p.volume.lesion {
            dump(l, "lesion");
        }
        let a = p.volume.image.affine.0;
        std::fs::write(format!("/tmp/ph/{}.json", p.name), serde_json::json!({"shape": p.volume.image.voxels.shape(), "affine": a, "row": p.participant, "lesions": p.lesions}).to_string()).unwrap();
    }
}
