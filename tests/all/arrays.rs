//! Arrays of numbers in `.npz` files, whatever their precision.

use std::fs::File;
use std::path::Path;

use indexmap::IndexMap;
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, ReadNpyError, ReadNpzError, ReadableElement};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The precision in which an array is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    F32,
    F64,
    I64,
}

/// An array of a file, in double precision, which holds each of its numbers exactly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) kind: Kind,
    pub(crate) values: ArrayD<f64>,
}

/// The arrays of numbers in an `.npz` file; what is not a number is left out.
pub(crate) fn read_npz(path: &Path) -> Outcome<IndexMap<String, Numbers>> {
    type Npz = NpzReader<File>;
    fn read<T: ReadableElement>(npz: &mut Npz, name: &str) -> Outcome<Option<ArrayD<T>>> {
        match npz.by_name::<OwnedRepr<T>, IxDyn>(name) {
            Ok(array) => Ok(Some(array)),
            Err(ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_))) => Ok(None),
            Err(error) => Err(format!("{name}: {error}").into()),
        }
    }
    let file = File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mut npz = NpzReader::new(file)?;
    let mut arrays = IndexMap::new();
    for name in npz.names()? {
        let numbers = if let Some(array) = read::<f32>(&mut npz, &name)? {
            Numbers { kind: Kind::F32, values: array.mapv(f64::from) }
        } else if let Some(array) = read::<f64>(&mut npz, &name)? {
            Numbers { kind: Kind::F64, values: array }
        } else if let Some(array) = read::<i64>(&mut npz, &name)? {
            Numbers { kind: Kind::I64, values: array.mapv(|x| x as f64) }
        } else if let Some(array) = read::<i32>(&mut npz, &name)? {
            Numbers { kind: Kind::I64, values: array.mapv(f64::from) }
        } else if let Some(array) = read::<bool>(&mut npz, &name)? {
            Numbers { kind: Kind::I64, values: array.mapv(|yes| f64::from(u8::from(yes))) }
        } else {
            continue;
        };
        arrays.insert(name, numbers);
    }
    Ok(arrays)
}
