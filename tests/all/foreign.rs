//! Weights files that other programs wrote: what NumPy reads is read, what is not is named with its reason.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, Axis, arr1, arr2, s};
use proptest::prelude::*;
use psychrnn::dynamics::{LeakyForm, LeakyUnits};
use psychrnn::prelude::*;
use zip::CompressionMethod::{Deflated, Stored};

/// An array in NumPy's format, with this dictionary.
fn with_head(version: u8, head: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((head.len() as u16 + 1).to_le_bytes()),
        _ => bytes.extend((head.len() as u32 + 1).to_le_bytes()),
    }
    bytes.extend(head.bytes().chain([b'\n']));
    bytes.extend(data);
    bytes
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    with_head(1, &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), data)
}

fn f4(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn w_rec() -> (&'static str, Vec<u8>) {
    ("W_rec.npy", npy("'<f4'", "(2, 2)", &f4(&[1.0, 2.0, 3.0, 4.0])))
}

/// A file with these entries.
fn file(folder: &Path, entries: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = folder.join("foreign.npz");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (i, (name, bytes)) in entries.iter().enumerate() {
        let method = if i % 2 == 0 { Stored } else { Deflated };
        zip.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn load(entries: &[(&str, Vec<u8>)]) -> Result<Weights> {
    let folder = tempfile::tempdir().unwrap();
    Weights::load(file(folder.path(), entries))
}

fn error(entries: &[(&str, Vec<u8>)]) -> String {
    load(entries).unwrap_err().to_string()
}

#[test]
fn numbers_of_every_type_order_and_version_are_read() {
    let expected = arr2(&[[1.0, 2.0], [3.0, 4.0]]).into_dyn();
    let numbers = [1_u8, 2, 3, 4];
    let of = |to: &dyn Fn(u8) -> Vec<u8>| numbers.iter().flat_map(|&number| to(number)).collect::<Vec<u8>>();
    let types: Vec<(&str, Vec<u8>)> = vec![
        ("'<f2'", [0x3c00_u16, 0x4000, 0x4200, 0x4400].iter().flat_map(|half| half.to_le_bytes()).collect()),
        ("'>f2'", [0x3c00_u16, 0x4000, 0x4200, 0x4400].iter().flat_map(|half| half.to_be_bytes()).collect()),
        ("'<f4'", of(&|n| f32::from(n).to_le_bytes().to_vec())),
        ("'>f4'", of(&|n| f32::from(n).to_be_bytes().to_vec())),
        ("'<f8'", of(&|n| f64::from(n).to_le_bytes().to_vec())),
        ("'>f8'", of(&|n| f64::from(n).to_be_bytes().to_vec())),
        ("'float64'", of(&|n| f64::from(n).to_le_bytes().to_vec())),
        ("'|i1'", numbers.to_vec()),
        ("'|u1'", numbers.to_vec()),
        ("'<i2'", of(&|n| i16::from(n).to_le_bytes().to_vec())),
        ("'>u2'", of(&|n| u16::from(n).to_be_bytes().to_vec())),
        ("'>i4'", of(&|n| i32::from(n).to_be_bytes().to_vec())),
        ("'<u4'", of(&|n| u32::from(n).to_le_bytes().to_vec())),
        ("'<i8'", of(&|n| i64::from(n).to_le_bytes().to_vec())),
        ("\"<u8\"", of(&|n| u64::from(n).to_le_bytes().to_vec())),
    ];
    for (descr, data) in &types {
        let weights = load(&[("a", npy(descr, "(2, 2)", data)), ("W_rec.npy", npy(descr, "(2L, 2L)", data))]).unwrap();
        assert_eq!(weights.array("W_rec").unwrap(), &expected, "{descr}");
        assert_eq!(weights.array("a").unwrap(), &expected, "{descr}");
    }
    for version in [1, 2, 3] {
        let head = "{\"shape\":(2,2,),\"fortran_order\":True,\"descr\":\"<f4\"}          ";
        let weights = load(&[("W_rec.npy", with_head(version, head, &f4(&[1.0, 3.0, 2.0, 4.0])))]).unwrap();
        assert_eq!(weights.array("W_rec").unwrap(), &expected);
    }
    let signed =
        load(&[("a.npy", npy("'<i2'", "(2,)", &[0xff, 0xff, 0, 0x80])), ("b.npy", npy("'|b1'", "(3,)", &[0, 1, 2]))]);
    let signed = signed.unwrap();
    assert_eq!(signed.vector("a").unwrap(), arr1(&[-1.0, -32768.0]));
    assert_eq!(signed.vector("b").unwrap(), arr1(&[0.0, 1.0, 1.0]));
    let halves = [0x0001_u16, 0x03ff, 0x0400, 0x7bff, 0xbc00, 0x7c00]
        .iter()
        .flat_map(|half| half.to_le_bytes())
        .collect::<Vec<u8>>();
    let halves = load(&[("a.npy", npy("'<f2'", "(6,)", &halves))]).unwrap().vector("a").unwrap();
    assert_eq!(halves, arr1(&[5.960_464_5e-8, 6.097_555e-5, 6.103_515_6e-5, 65504.0, -1.0, f32::INFINITY]));
    let empty = load(&[("a.npy", npy("'<f4'", "(0, 3)", &[])), ("b.npy", npy("'<f4'", "()", &f4(&[7.0])))]).unwrap();
    assert_eq!(empty.array("a").unwrap().shape(), [0, 3]);
    assert_eq!(empty.array("b").unwrap().shape(), [0_usize; 0]);
}

#[test]
fn what_is_no_array_of_numbers_is_skipped_with_its_reason() {
    let long = format!("[{}]", "('a', '<f4'), ".repeat(1000));
    let cases: [(&str, Vec<u8>, &str); 15] = [
        ("wide.npy", npy(&long, "(1,)", &[0; 4000]), "head"),
        ("later.npy", with_head(9, "{'descr': '<f4'}", &[]), "version 9.0"),
        ("new.npy", npy("'<q9'", "(1,)", &[0; 9]), "not known"),
        ("when.npy", npy("'<M8[ns]'", "(1,)", &[0; 8]), "dates"),
        ("took.npy", npy("'<m8[s]'", "(1,)", &[0; 8]), "times"),
        ("s.npy", npy("[('a', '<f4'), ('b', '<i8', (2,))]", "(1,)", &[0; 20]), "records"),
        ("c.npy", npy("'<c8'", "(1,)", &[0; 8]), "complex"),
        ("l.npy", npy("'<f16'", "(1,)", &[0; 16]), "64 bits"),
        ("v.npy", npy("'|V4'", "(1,)", &[0; 4]), "without a type"),
        ("t.npy", npy("'<U2'", "(1,)", &[65, 0, 0, 0, 0, 0, 0, 0]), "texts"),
        ("o.npy", npy("'|O'", "(3,)", b"\x80\x04whatever"), "pickled"),
        ("params.json", b"{}".to_vec(), "not an array"),
        ("__MACOSX/._W_in.npy", b"\0\x05\x16\x07".repeat(10), "not an array"),
        ("w/", Vec::new(), "folder"),
        ("empty", Vec::new(), "not an array"),
    ];
    for (name, bytes, reason) in cases {
        let weights = load(&[w_rec(), (name, bytes)]).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["W_rec"]);
        let [skipped] = weights.skipped() else { panic!("{:?}", weights.skipped()) };
        assert!(weights.why_skipped(skipped).unwrap().contains(reason), "{skipped}");
        let missing = weights.array("W_in").unwrap_err().to_string();
        assert!(missing.contains(skipped) && missing.contains(reason), "{missing}");
        let missing = weights.array(skipped).unwrap_err().to_string();
        assert!(missing.contains("was not read") && missing.contains(reason), "{missing}");
    }
    let twice = with_second_entry_of_the_same_name();
    let weights = Weights::load(twice.path().join("foreign.npz")).unwrap();
    assert_eq!(weights.array("a").unwrap().first(), Some(&2.0), "as NumPy takes the last");
    assert!(weights.why_skipped("a").unwrap().contains("same name"));
}

/// The zip crate refuses to write one, so it is patched.
fn with_second_entry_of_the_same_name() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let one = |number: f32| npy("'<f4'", "()", &f4(&[number]));
    let path = file(folder.path(), &[("a.npy", one(1.0)), ("b.npy", one(2.0))]);
    let bytes = fs::read(&path).unwrap();
    let renamed: Vec<u8> = String::from_utf8(bytes.iter().map(|&byte| byte.min(127)).collect::<Vec<u8>>())
        .unwrap()
        .match_indices("b.npy")
        .fold(bytes, |mut bytes, (at, _)| {
            bytes[at] = b'a';
            bytes
        });
    fs::write(path, renamed).unwrap();
    folder
}

#[test]
fn a_file_without_numbers_says_what_it_holds_and_what_to_do() {
    let dict = error(&[("weights.npy", npy("'|O'", "()", b"\x80\x04}q\0."))]);
    assert!(dict.contains("pickled Python object; save it with numpy.savez(path, **weights)"), "{dict}");
    let torch = error(&[("archive/data.pkl", b"\x80\x02}q\0.".to_vec()), ("archive/data/0", vec![0; 16])]);
    assert!(torch.contains("PyTorch") && torch.contains("state_dict"), "{torch}");
    let folder = tempfile::tempdir().unwrap();
    let begins = |bytes: &[u8]| {
        let path = folder.path().join("other");
        fs::write(&path, bytes).unwrap();
        Weights::load(path).unwrap_err().to_string()
    };
    assert!(begins(&w_rec().1).contains("single array"));
    assert!(begins(b"\x80\x04}q\0.").contains("pickled"));
    assert!(begins(b"\x89HDF\r\n\x1a\n").contains("HDF5"));
    assert!(begins(b"MATLAB 5.0 MAT-file").contains("scipy.io.loadmat"));
    assert!(begins(b"").contains("empty"));
    assert!(begins(b"(dp0\nS'W_rec'\n").contains("pickled"));
    assert!(begins(b"\x1f\x8b\x08\0").contains("unpack"));
    assert!(begins(b"{\"W_rec\": [[1]]}").contains("JSON"));
    assert!(begins(b"<!DOCTYPE html>").contains("web page"));
    assert!(begins(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
}

#[test]
fn names_of_other_programs_are_explained() {
    let one = || npy("'<f4'", "(1, 1)", &f4(&[1.0]));
    let missing = |names: &[&str], wanted: &str| {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.npy")).collect();
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), one())).collect();
        load(&entries).unwrap().array(wanted).unwrap_err().to_string()
    };
    let torch = ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "fc.weight", "fc.bias"];
    assert!(missing(&torch, "W_rec").contains("weight_hh as W_rec"));
    assert!(missing(&torch, "W_f").contains("vstack"));
    assert!(missing(&["simple_rnn/kernel:0", "simple_rnn/recurrent_kernel:0"], "W_rec").contains("recurrent_kernel.T"));
    assert!(missing(&["arr_0", "arr_1"], "W_rec").contains("numpy.savez(path, W_rec=…)"));
    assert!(missing(&["w_in", "w_rec"], "W_rec").contains("`w_rec`"));
    assert!(missing(&["Wrec", "b"], "W_rec").ends_with("Is it `Wrec`? Save it as `W_rec`"));
    assert!(missing(&["a", "b"], "W_rec").ends_with("they have a, b"));
}

#[test]
fn only_what_an_optimizer_keeps_is_left_out_of_names_with_slashes() {
    let one = || npy("'<f4'", "(1, 1)", &f4(&[1.0]));
    let names = |entries: &[&str]| -> Vec<String> {
        let entries: Vec<_> = entries.iter().map(|&name| (name, one())).collect();
        load(&entries).unwrap().names().map(str::to_owned).collect()
    };
    assert_eq!(names(&["area/W_rec.npy", "W_in.npy", "W_rec/Adam.npy"]), ["area/W_rec", "W_in", "W_rec/Adam"]);
    let slots = [
        "W_rec.npy",
        "W_rec/Adam.npy",
        "W_rec/Adam_1.npy",
        "W_rec/Momentum.npy",
        "W_rec/RMSProp_1.npy",
        "beta1_power.npy",
    ];
    assert_eq!(names(&slots), ["W_rec"]);
    assert_eq!(names(&["a/W_rec.npy", "a/W_rec/Adam.npy", "a/W_rec/left.npy"]), ["a/W_rec", "a/W_rec/left"]);
    assert_eq!(names(&["beta1_power.npy"]), ["beta1_power"]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.npz");
    let mut ours = Weights::new();
    for name in ["W_rec", "W_rec/Adam", "area/W_rec", "a.npy", "", "with space", "β"] {
        ours.insert(name, arr1(&[1.0, -2.0]));
    }
    ours.save(&path).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), ours);
    Weights::new().save(&path).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), Weights::new());
    for name in ["dale_ratio", "config", "transfer_function", "../W_rec", "/W_rec"] {
        let mut refused = Weights::new();
        refused.insert(name, arr1(&[1.0]));
        assert!(refused.save(&path).unwrap_err().to_string().contains(name));
    }
}

/// An array of one object, pickled by protocols 0, 2, 3 and 4: what Python writes around it, and the value in between.
fn pickled(value: [&[u8]; 4]) -> [Vec<u8>; 4] {
    let around: [(&[u8], &[u8]); 4] = [
        (
            b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp2\nS'b'\np3\ntp4\nRp5\n(I1\n(tcnumpy\ndtype\np6\n(S'O8'\np7\nI00\nI01\ntp8\nRp9\n(I3\nS'|'\np10\nNNNI-1\nI-1\nI63\ntp11\nbI00\n(lp12\n",
            b"atp13\nb.",
        ),
        (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01bq\x04\x87q\x05Rq\x06(K\x01)cnumpy\ndtype\nq\x07U\x02O8q\x08K\x00K\x01\x87q\tRq\n(K\x03U\x01|q\x0bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\x0cb\x89]q\r",
            b"atq\x0eb.",
        ),
        (
            b"\x80\x03cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02C\x01bq\x03\x87q\x04Rq\x05(K\x01)cnumpy\ndtype\nq\x06X\x02\x00\x00\x00O8q\x07\x89\x88\x87q\x08Rq\t(K\x03X\x01\x00\x00\x00|q\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\x0bb\x89]q\x0c",
            b"atq\rb.",
        ),
        (
            b"\x80\x04\x95\x8a\x00\x00\x00\x00\x00\x00\x00\x8c\x16numpy._core.multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94(K\x01)h\x03\x8c\x05dtype\x94\x93\x94\x8c\x02O8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?t\x94b\x89]\x94",
            b"at\x94b.",
        ),
    ];
    let mut around = around.into_iter();
    value.map(|value| {
        let (before, after) = around.next().unwrap();
        npy("'|O'", "()", &[before, value, after].concat())
    })
}

#[test]
fn a_dale_ratio_is_any_number_or_none_of_any_pickle() {
    let ratio = |entry: Vec<u8>| load(&[w_rec(), ("dale_ratio.npy", entry)]).unwrap().dale_ratio();
    assert_eq!(ratio(npy("'<f4'", "()", &f4(&[0.7]))), Some(Some(0.7)), "not what of 0.7 fits into 32 bits");
    assert_eq!(ratio(npy("'<f2'", "(1,)", &0x3800_u16.to_le_bytes())), Some(Some(0.5)));
    assert_eq!(ratio(npy("'<i8'", "()", &1_i64.to_le_bytes())), Some(Some(1.0)));
    assert_eq!(ratio(npy("'>f8'", "()", &0.8_f64.to_be_bytes())), Some(Some(0.8)));
    for none in pickled([b"N"; 4]) {
        assert_eq!(ratio(none), Some(None));
    }
    let number = 0.8_f64.to_be_bytes();
    let binary = [b"G".as_slice(), &number].concat();
    for number in pickled([b"F0.8\n", &binary, &binary, &binary]) {
        assert_eq!(ratio(number), Some(Some(0.8)));
    }
    let two = load(&[w_rec(), ("dale_ratio.npy", npy("'<f4'", "(2,)", &f4(&[0.5, 0.5])))]).unwrap();
    assert_eq!((two.dale_ratio(), two.names().count()), (None, 1));
    assert_eq!(two.skipped(), ["dale_ratio"]);
}

/// All arrays of a network of two units, with one input and one output channel whose axes are dropped.
fn squeezed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        w_rec(),
        ("W_in.npy", npy("'<f4'", "(2,)", &f4(&[1.0, 2.0]))),
        ("W_out.npy", npy("'<f4'", "(2,)", &f4(&[1.0, 2.0]))),
        ("b_rec.npy", npy("'<f4'", "(2,)", &f4(&[0.0, 0.0]))),
        ("b_out.npy", npy("'<f4'", "()", &f4(&[0.0]))),
        ("init_state.npy", npy("'<f4'", "(2,)", &f4(&[0.0, 0.0]))),
    ]
}

#[test]
fn axes_of_length_one_may_be_missing() {
    let weights = load(&squeezed()).unwrap();
    let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0)).unwrap();
    let rest = psychrnn::tasks::Rest {
        n_in: 1,
        n_out: 1,
        ..psychrnn::tasks::Rest::of(&PerceptualDiscrimination::default()).unwrap()
    };
    assert!(simulator.run(&rest.batch(2, Seed(1)).unwrap()).is_ok());
    let mut wrong = weights.clone();
    wrong.insert("W_in", arr1(&[1.0, 2.0, 3.0]));
    assert!(Simulator::new(&wrong, LeakyUnits::new(10.0, 100.0)).is_err());
    let mut one = Weights::new();
    one.insert("W_rec", arr1(&[0.5]));
    one.insert("W_in", arr1(&[1.0, 2.0, 3.0]));
    one.insert("W_out", arr1(&[1.0, 2.0]));
    one.insert("b_rec", arr1(&[0.5]));
    one.insert("b_out", arr1(&[0.5, 0.5]));
    one.insert("init_state", arr1(&[0.5]));
    assert!(Simulator::new(&one, LeakyUnits::new(10.0, 100.0)).is_ok(), "one unit, three inputs, two outputs");
}

/// The arrays of another package, transposed and added up as the page on weights says, against its equation number by number.
#[test]
fn networks_of_other_packages_run_as_theirs() {
    let mut rng = Seed(1).stream(0);
    let mut random = |rows, columns| Array2::from_shape_simple_fn((rows, columns), || rng.normal(0.0, 0.5));
    let (n_in, n) = (2, 4);
    let kernel = random(n_in + n, n);
    let (bias, other) = (random(1, n).row(0).to_owned(), random(1, n).row(0).to_owned());
    let batch = crate::perturbation::batch((n_in, n), 1, 30, 2);
    let mut weights = Weights::new();
    weights.insert("W_out", Array2::<f32>::eye(n));
    weights.insert("b_out", Array1::<f32>::zeros(n));
    weights.insert("init_state", Array2::<f32>::zeros((1, n)));
    weights.insert("W_in", kernel.slice(s![..n_in, ..]).reversed_axes().to_owned());
    weights.insert("W_rec", kernel.slice(s![n_in.., ..]).reversed_axes().to_owned());
    let softplus = |x: f32| x.exp().ln_1p();
    // One kernel for inputs and rates, with a leak of 0.2; and two biases without a leak.
    let leaky: [&dyn Fn(f32, f32) -> f32; 2] = [&|h, x| 0.8 * h + 0.2 * softplus(x), &|_, x| x.tanh()];
    let units = LeakyUnits::new(10.0, 50.0).form(LeakyForm::Rate).transfer(Transfer::Softplus);
    for (step, b_rec, units) in [
        (leaky[0], bias.clone(), units.clone()),
        (leaky[1], &bias + &other, units.tau(&[10.0]).transfer(Transfer::Tanh)),
    ] {
        weights.insert("b_rec", b_rec.clone());
        let session = Simulator::new(&weights, units).unwrap().run(&batch).unwrap();
        assert_eq!(session.states, session.rates);
        let mut h = Array1::<f32>::zeros(n);
        for (t, input) in batch.inputs.index_axis(Axis(0), 0).outer_iter().enumerate() {
            let x = ndarray::concatenate![Axis(0), input, h].dot(&kernel) + &b_rec;
            h.zip_mut_with(&x, |h, &x| *h = step(*h, x));
            let far = &session.outputs.slice(s![0, t, ..]) - &h;
            assert!(far.iter().all(|far| far.abs() < 1e-5), "step {t}: {far}");
        }
    }
}

/// With one time constant and an input that stays, currents move as the state of the current form does.
#[test]
fn the_currents_of_the_rate_form_are_those_of_the_current_form() {
    let mut weights = Weights::new();
    weights.insert("W_in", arr2(&[[1.0], [-1.0]]));
    weights.insert("W_rec", arr2(&[[0.9, -0.6], [-0.4, 1.1]]));
    weights.insert("W_out", arr2(&[[1.0, -1.0]]));
    weights.insert("b_rec", arr1(&[0.1, 0.2]));
    weights.insert("b_out", arr1(&[0.0]));
    let current = |rate: Array1<f32>| {
        let recurrent: Array1<f32> = weights.matrix("W_rec").unwrap().dot(&rate);
        recurrent + weights.matrix("W_in").unwrap().column(0).mapv(|w| 0.3 * w) + weights.vector("b_rec").unwrap()
    };
    let mut batch = crate::perturbation::batch((1, 1), 1, 200, 2);
    batch.inputs.fill(0.3);
    let states = |form: LeakyForm, start: Array1<f32>| {
        let mut weights = weights.clone();
        weights.insert("init_state", start.insert_axis(Axis(0)));
        let units = LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh).form(form);
        Simulator::new(&weights, units).unwrap().run(&batch).unwrap().states
    };
    let start = arr1(&[0.5, 0.25]);
    let (rates, currents) = (states(LeakyForm::Rate, start.clone()), states(LeakyForm::Current, current(start)));
    for (rate, x) in rates.index_axis(Axis(0), 0).outer_iter().zip(currents.index_axis(Axis(0), 0).outer_iter()) {
        assert!((current(rate.to_owned()) - x).iter().all(|far| far.abs() < 1e-5), "{rate} {x}");
    }
}

#[test]
fn a_transfer_function_that_a_file_names_is_not_replaced() {
    let named = |entry: Vec<u8>| {
        let mut entries = squeezed();
        entries.push(("transfer_function.npy", entry));
        load(&entries).unwrap()
    };
    let run = |weights: &Weights, transfer: Transfer| {
        Simulator::new(weights, LeakyUnits::new(10.0, 100.0).transfer(transfer))
    };
    let global = |module: &str, name: &str| {
        let lines = format!("c{module}\n{name}\n");
        let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
        let stack = [text(module), b"\x94".to_vec(), text(name), b"\x94\x93".to_vec()].concat();
        pickled([lines.as_bytes(), lines.as_bytes(), lines.as_bytes(), &stack])
    };
    for tanh in global("tensorflow.python.ops.math_ops", "tanh") {
        let weights = named(tanh);
        assert!(run(&weights, Transfer::Tanh).is_ok());
        let error = run(&weights, Transfer::Relu).unwrap_err().to_string();
        assert!(error.contains("tanh") && error.contains("`transfer`"), "{error}");
    }
    for relu in global("tensorflow.python.ops.gen_nn_ops", "relu") {
        assert!(run(&named(relu), Transfer::Relu).is_ok());
    }
    for own in global("__main__", "relu").into_iter().chain(global("tensorflow.python.ops.nn_ops", "leaky_relu")) {
        let mut weights = named(own);
        let error = run(&weights, Transfer::Relu).unwrap_err().to_string();
        assert!(error.contains("relu") && error.contains(".transfer("), "{error}");
        assert!(run(&weights, Transfer::RectifiedPower { power: 2.0 }).is_ok(), "it was said");
        // It is not forgotten when the weights are saved.
        let folder = tempfile::tempdir().unwrap();
        weights.save(folder.path().join("again.npz")).unwrap();
        assert!(run(&Weights::load(folder.path().join("again.npz")).unwrap(), Transfer::Relu).is_err());
        weights.set_transfer(&Transfer::Relu);
        assert!(run(&weights, Transfer::Relu).is_ok());
    }
    for transfer in [Transfer::Softplus, Transfer::RectifiedPower { power: 2.0 }, Transfer::RectifiedTanh] {
        let mut weights = load(&squeezed()).unwrap();
        weights.set_transfer(&transfer);
        let folder = tempfile::tempdir().unwrap();
        weights.save(folder.path().join("named.npz")).unwrap();
        let again = Weights::load(folder.path().join("named.npz")).unwrap();
        assert_eq!(again, weights);
        assert!(run(&again, transfer).is_ok() && run(&again, Transfer::Linear).is_err());
    }
}

#[test]
fn what_is_made_to_do_harm_is_refused_at_once() {
    let huge = error(&[("W_rec.npy", npy("'<f4'", "(100000, 100000)", &f4(&[1.0])))]);
    assert!(huge.contains("W_rec") && huge.contains("cut off"), "{huge}");
    assert!(error(&[("W_rec.npy", npy("'<f4'", "(-1, 2)", &f4(&[1.0])))]).contains("shape"));
    assert!(error(&[("W_rec.npy", npy("'<f4'", "(4611686018427387904, 4)", &[]))]).contains("too large"));
    for name in ["../../etc/W_rec.npy", "/etc/W_rec.npy", "a\\..\\..\\W_rec.npy"] {
        let (_, bytes) = w_rec();
        assert!(error(&[(name, bytes)]).contains("out of the file"));
    }
    // A hundred megabytes of zeros in a hundred kilobytes.
    let bomb = error(&[("a.npy", Vec::new()), ("W_rec.npy", npy("'<f4'", "(25000000,)", &vec![0; 100_000_000]))]);
    assert!(bomb.contains("100 MB") && bomb.contains("numpy.savez in place of"), "{bomb}");
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), &[w_rec(), ("b.npy", npy("'<f4'", "(1,)", &f4(&[1.0])))]);
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], word: &str| {
        fs::write(&path, bytes).unwrap();
        let error = Weights::load(&path).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    };
    // Both entries of the directory point to the same bytes.
    let mut overlapping = whole.clone();
    let directory: Vec<usize> = (0..whole.len() - 4).filter(|&at| whole[at..].starts_with(b"PK\x01\x02")).collect();
    overlapping.copy_within(directory[0] + 42..directory[0] + 46, directory[1] + 42);
    refused(&overlapping, "overlap");
    let mut many = whole.clone();
    let end = whole.len() - 22;
    many[end + 8..end + 12].fill(0xff);
    refused(&many, "65535 entries");
    let mut long = whole.clone();
    long[end + 12..end + 16].fill(0xff);
    refused(&long, "directory");
    assert!(Weights::load(folder.path()).unwrap_err().to_string().contains("no regular file"));
}

#[test]
fn what_is_saved_can_be_loaded_however_well_it_packs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.npz");
    let mut weights = Weights::new();
    for name in ["W_rec", "rec_connectivity", "b_rec"] {
        weights.insert(name, ndarray::Array2::<f32>::ones((1500, 1000)));
    }
    weights.save(&path).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), weights);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any array in any type, byte order and order of axes is what it was.
    #[test]
    fn arrays_of_any_shape_are_read(
        shape in proptest::collection::vec(0_usize..4, 0..4),
        fortran: bool, big: bool, kind in 0_usize..4, name in "[a-zA-Z_/]{1,12}",
    ) {
        let length: usize = shape.iter().product();
        let numbers: Vec<i16> = (0..length as i16).map(|i| i * 7 - 20).collect();
        let (descr, size) = [("f4", 4), ("f8", 8), ("i2", 2), ("i8", 8)][kind];
        let data: Vec<u8> = numbers.iter().flat_map(|&number| {
            let mut bytes = match kind {
                0 => f32::from(number).to_le_bytes().to_vec(),
                1 => f64::from(number).to_le_bytes().to_vec(),
                2 => number.to_le_bytes().to_vec(),
                _ => i64::from(number).to_le_bytes().to_vec(),
            };
            assert_eq!(bytes.len(), size);
            if big { bytes.reverse() }
            bytes
        }).collect();
        let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
        let head = format!("{{'descr': '{}{descr}', 'fortran_order': {}, 'shape': ({axes})}}",
            if big { '>' } else { '<' }, if fortran { "True" } else { "False" });
        prop_assume!(!name.ends_with('/') && !name.starts_with('/'));
        let weights = load(&[(&format!("{name}.npy"), with_head(1, &head, &data))]).unwrap();
        let array = weights.array(&name).unwrap();
        prop_assert_eq!(array.shape(), shape.as_slice());
        let in_file: Vec<f32> = if fortran { array.t().iter().copied().collect() } else { array.iter().copied().collect() };
        prop_assert_eq!(in_file, numbers.into_iter().map(f32::from).collect::<Vec<_>>());
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_only_a_regular_file_is_written() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::create_dir(place("store")).unwrap();
    let mut weights = Weights::new();
    weights.insert("a", arr1(&[1.0]));
    weights.save(place("store/real.npz")).unwrap();
    fs::set_permissions(place("store/real.npz"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("store/real.npz", place("link.npz")).unwrap();
    symlink("link.npz", place("link of a link.npz")).unwrap();
    symlink("store/new.npz", place("dangling.npz")).unwrap();
    weights.insert("a", arr1(&[2.0]));
    for (link, file) in [("link of a link.npz", "store/real.npz"), ("dangling.npz", "store/new.npz")] {
        weights.save(place(link)).unwrap();
        assert!(fs::symlink_metadata(place(link)).unwrap().is_symlink());
        assert_eq!(Weights::load(place(file)).unwrap(), weights);
    }
    assert_eq!(fs::metadata(place("store/real.npz")).unwrap().permissions().mode() & 0o777, 0o640);
    symlink("b", place("a")).unwrap();
    symlink("a", place("b")).unwrap();
    assert!(weights.save(place("a")).unwrap_err().to_string().contains("circle"));
    let device = weights.save("/dev/null").unwrap_err().to_string();
    assert!(device.contains("/dev/null") && device.contains("no regular file"), "{device}");
    assert!(weights.save(place("store")).is_err());
    let missing = weights.save(place("no such/file.npz")).unwrap_err().to_string();
    assert!(
        missing.contains("no folder") && missing.contains("no such") && !missing.contains(".psychrnn-"),
        "{missing}"
    );
    assert!(Weights::load("/dev/zero").unwrap_err().to_string().contains("no regular file"));
}
