//! Files that were changed at random: no reader panics, none takes much more memory than a file is long. A program of its own, since it
//! counts what is allocated.
//!
//! `PSYCHRNN_MUTATIONS` says how many files of each format there are; by default 10,000.
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndarray::{Array2, arr1};
use psychrnn::dynamics::Leak;
use psychrnn::prelude::*;

/// What is allocated now, and the most that was.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
/// More than this no file may take.
const LIMIT: usize = 64 << 20;

struct Counting;

// SAFETY: all is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there at once.
        MOST.fetch_max(NOW.fetch_add(size, Relaxed) + size, Relaxed);
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
/// One test at a time, since all count in one place.
static ONE: Mutex<()> = Mutex::new(());

/// Random numbers: xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    /// Below `n`, which may be 0.
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n.max(1)
    }
}

/// Bytes that often decide.
const BYTES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'9', b'\n', b'"'];

/// Changes some bytes: one by one, a stretch cut out, doubled or put in from another file, a word, a long number, an early end.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&[u8]]) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(40)).min(bytes.len());
        match random.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = BYTES[random.below(BYTES.len())],
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at.min(end)..end)),
            4 => {
                let piece = bytes[at.min(end)..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, piece));
            }
            5 => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len());
                let piece = other[from..(from + 1 + random.below(400)).min(other.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            6 => {
                let word = words[random.below(words.len())];
                let over = if random.below(2) == 0 { at } else { (at + word.len()).min(bytes.len()) };
                drop(bytes.splice(at..over, word.iter().copied()));
            }
            7 if at + 8 <= bytes.len() => {
                let number = [u64::MAX, 1 << 31, 1 << 63, random.next(), random.next() & 0xffff][random.below(5)];
                let width = [2, 4, 8][random.below(3)];
                bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
            _ => {
                // A digit for a digit.
                let digits: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    bytes[digits[random.below(digits.len())]] = b'0' + random.below(10) as u8;
                }
            }
        }
    }
}

fn count() -> u64 {
    std::env::var("PSYCHRNN_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

/// Gives changed files to a reader, and says which one it does not stand.
fn all(name: &str, mut make: impl FnMut(&mut Random) -> Vec<u8>, mut read: impl FnMut(&Path)) {
    // In memory, where there is such a place: there are many files.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join(name);
    let (mut most, mut longest) = (0, 0);
    for seed in 0..count() {
        let bytes = make(&mut Random::new(seed));
        assert!(bytes.len() < 1 << 20);
        longest = longest.max(bytes.len());
        fs::write(&path, &bytes).unwrap();
        drop(bytes);
        let before = NOW.load(Relaxed);
        MOST.store(before, Relaxed);
        let read = catch_unwind(AssertUnwindSafe(|| read(&path)));
        let taken = MOST.load(Relaxed) - before;
        assert!(read.is_ok(), "{name} of seed {seed} is not stood");
        assert!(taken < LIMIT, "{name} of seed {seed} takes {taken} bytes");
        most = most.max(taken);
    }
    println!("{name}: {} files of up to {longest} bytes, at most {most} bytes of memory", count());
}

/// A zip file of stored entries, with the right sums.
fn zipped(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut fields = vec![0_u8; 22];
        fields[0] = 20;
        let sum = crc32fast::hash(bytes);
        fields[10..14].copy_from_slice(&sum.to_le_bytes());
        fields[14..18].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        fields[18..22].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        let name_length = (name.len() as u16).to_le_bytes();
        directory.extend(b"PK\x01\x02\x14\0".iter().chain(&fields).chain(&name_length).chain(&[0; 12]));
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        file.extend(b"PK\x03\x04".iter().chain(&fields).chain(&name_length).chain(&[0; 2]));
        file.extend(name.bytes().chain(bytes.iter().copied()));
    }
    let (start, length, n) = (file.len() as u32, directory.len() as u32, (entries.len() as u16).to_le_bytes());
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0".iter().chain(&n).chain(&n));
    file.extend(length.to_le_bytes().iter().chain(&start.to_le_bytes()).chain(&[0; 2]));
    file
}

fn npy(head: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.bytes().chain(data.iter().copied()));
    bytes
}

/// Words of zip files, of NumPy's heads and of pickles.
const NPZ: &[&[u8]] = &[
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"\x93NUMPY\x01\0",
    b"\x93NUMPY\x03\0",
    b"'descr': ",
    b"'<f2'",
    b"'<f8'",
    b"'<U9'",
    b"'|S7'",
    b"'|O'",
    b"'<M8[ns]'",
    b"[('a', '<f4')]",
    b"'fortran_order': True",
    b"'shape': (",
    b"(99999999, 99999999)",
    b"(4194304,)",
    b"(0, 18446744073709551615)",
    b"3L, ",
    b"-1, ",
    b"((((((((((((((((((((",
    b"{{{{{{{{{{",
    b"[[[[[[[[[[",
    b"}",
    b"../",
    b"dale_ratio.npy",
    b"transfer_function.npy",
    b"config.npy",
    b"W_rec/Adam.npy",
    b"\x80\x04\x95",
    b"\x8c\xff",
    b"]\x94N",
    b"]NNNNNNNNa",
];

#[test]
fn weights_files() {
    let _one = ONE.lock();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.npz");
    let mut ours = Weights::new();
    ours.insert("W_rec", Array2::<f32>::ones((10, 10)));
    ours.insert("W_in", Array2::<f32>::ones((10, 2)));
    ours.insert("W_out", Array2::<f32>::ones((2, 10)));
    ours.insert("b_rec", arr1(&[0.0; 10]));
    ours.insert("b_out", arr1(&[0.0; 2]));
    ours.insert("init_state", arr1(&[0.1; 10]));
    ours.set_dale_ratio(None);
    ours.set_config(&Leak::new(10.0, 100.0)).unwrap();
    ours.save(&path).unwrap();
    let mut zeros = Weights::new();
    zeros.insert("W_rec", Array2::<f32>::zeros((300, 300)));
    let long = folder.path().join("zeros.npz");
    zeros.save(&long).unwrap();
    // Arrays as others write them, one by one: what is changed within gets a right sum.
    let arrays: Vec<(String, Vec<u8>)> = [
        ("W_rec.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", &[0; 16])),
        ("W_in.npy", npy("{\"descr\": \">f8\", \"fortran_order\": True, \"shape\": (2L, 1L)}", &[0; 16])),
        ("half.npy", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3)}", &[0x3c; 12])),
        ("text.npy", npy("{'descr': '<U3', 'fortran_order': False, 'shape': (2,)}", &[65; 24])),
        (
            "transfer_function.npy",
            npy("{'descr': '<U4', 'fortran_order': False, 'shape': ()}", b"t\0\0\0a\0\0\0n\0\0\0h\0\0\0"),
        ),
        (
            "dale_ratio.npy",
            npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", b"\x80\x04\x95\x04\0\0\0\0\0\0\0]\x94Na."),
        ),
        ("config.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (19,)}", b"{\"dynamics\": [[{}]]}")),
        (
            "s.npy",
            npy("{'descr': [('a', '<f4'), ('b', '<i8', (2,))], 'fortran_order': False, 'shape': (1,)}", &[0; 20]),
        ),
        ("__MACOSX/._W.npy", b"\0\x05\x16\x07".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .to_vec();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/parity/psychrnn_saved_dale.npz");
    let mut seeds = vec![fs::read(path).unwrap(), fs::read(long).unwrap(), zipped(&arrays)];
    seeds.extend(fs::read(data));
    let insides: Vec<Vec<u8>> = arrays.iter().map(|(_, bytes)| bytes.clone()).collect();
    let make = |random: &mut Random| {
        if random.below(2) == 0 {
            let mut bytes = seeds[random.below(seeds.len())].clone();
            mutate(random, &mut bytes, &seeds, NPZ);
            return bytes;
        }
        let mut arrays = arrays.clone();
        for _ in 0..1 + random.below(3) {
            let at = random.below(arrays.len());
            mutate(random, &mut arrays[at].1, &insides, NPZ);
            if random.below(8) == 0 {
                let (name, bytes) = (arrays[random.below(arrays.len())].0.clone(), arrays[at].1.clone());
                arrays.push((name, bytes));
            }
        }
        zipped(&arrays)
    };
    all("weights.npz", make, |path| {
        if let Ok(weights) = Weights::load(path) {
            drop(Simulator::new(&weights, Leak::new(10.0, 100.0)));
            drop(weights.array("W_rec").map_err(|error| error.to_string()));
        }
        drop(Simulator::load(path).map_err(|error| error.to_string()));
    });
}

#[test]
fn tables() {
    let _one = ONE.lock();
    const WORDS: &[&[u8]] = &[
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r\n",
        b"\"",
        b"\"\"",
        b"NA",
        b"NaN",
        b"inf",
        b"-inf",
        b"1e999",
        b"0,5",
        b"True",
        b"true",
        b"FALSE",
        b"99999999999999999999",
        b"-9223372036854775808",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xe9",
        b"\xf0\x9f\xa7\xa0",
        b"#",
        b"rt",
        b"rt,rt",
        b",,,,,,,,",
        b"\n\n\n\n",
    ];
    let seeds: Vec<Vec<u8>> = [
        ",coh,correct,rt\n0,0.1,True,350\n1,0.2,False,NA\n",
        "coh;choice;rt\n0,1;1;300\n0,2;0;\n",
        "coh\tchoice\trt\n0.1\t1\t300\n0.2\t0\tNA\n",
        "\u{feff}name,\"a,b\"\n\"x\"\"y\",1\n\"two\nlines\",2\n",
        "coh,rt,rt\r\n0.1,300,400\r\n",
        "1,2,3\n4,5,6\n7,8,9\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let long: Vec<u8> = (0..200).flat_map(|i| format!("{i},{}.5,left\n", i % 7).into_bytes()).collect();
    let make = |random: &mut Random| {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        if random.below(4) == 0 {
            bytes.extend(&long);
        }
        mutate(random, &mut bytes, &seeds, WORDS);
        bytes
    };
    all("table.csv", make, |path| {
        if let Ok(table) = psychrnn::table::Table::load_csv(path) {
            drop(table.numbers("rt"));
            drop(table.to_string());
        }
    });
}

#[cfg(feature = "torch")]
#[test]
fn checkpoints() {
    use psychrnn::train::Every;
    let _one = ONE.lock();
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("run");
    let task = PerceptualDiscrimination::default().duration(100.0);
    let make_network = || Rnn::new(&task, RnnConfig::default().units(4).seed(1)).unwrap();
    let trainer =
        |folder: &Path| Trainer::default().updates(2).batch_size(2).silent().checkpoint(folder, Every::Updates(1));
    trainer(&runs).train(&mut make_network(), &task).unwrap();
    let names = fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.filter(|name| name.ends_with(".npz")).max().unwrap();
    let whole = fs::read(runs.join(&name)).unwrap();
    // The entries by themselves, so that what is changed within gets a right sum.
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&whole)).unwrap();
    let entries: Vec<(String, Vec<u8>)> = (0..zip.len())
        .map(|i| {
            let mut entry = zip.by_index(i).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.name().to_owned(), bytes)
        })
        .collect();
    const WORDS: &[&[u8]] = &[
        b"\"format\":1",
        b"\"format\":2",
        b"\"updates\":",
        b"\"stage\":",
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b"1e999",
        b"18446744073709551615",
        b"\"arrays\":[",
        b"\"parameters/W_rec\"",
        b"\"moments/W_rec/m\"",
        b"[[[[[[[[",
        b"PK\x01\x02",
        b"(99999999, 99999999)",
        b"'<f8'",
        b"'|O'",
    ];
    let seeds = [whole.clone(), zipped(&entries)];
    let insides: Vec<Vec<u8>> = entries.iter().map(|(_, bytes)| bytes.clone()).collect();
    let make = |random: &mut Random| {
        if random.below(2) == 0 {
            let mut bytes = seeds[random.below(2)].clone();
            mutate(random, &mut bytes, &seeds, WORDS);
            return bytes;
        }
        let mut entries = entries.clone();
        // The state comes first, and is most of it.
        let at = if random.below(2) == 0 { 0 } else { random.below(entries.len()) };
        mutate(random, &mut entries[at].1, &insides, WORDS);
        zipped(&entries)
    };
    let mut network = make_network();
    all(&name, make, |path| {
        drop(trainer(path.parent().unwrap()).restore(&mut network).map_err(|error| error.to_string()));
    });
}
