//! Tables as polars data frames.

use std::path::Path;

use polars::frame::DataFrame;
use polars::prelude::{Column, NamedFrom, ParquetWriter, PolarsError, Series};

use super::{Table, Value};
use crate::{Error, Result, file};

impl Table {
    /// The table as a data frame of [`polars`]: columns of truth values, whole numbers, numbers or texts, the first of
    /// these that holds all values; a missing value is null.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let mut table = Table::new();
    /// table.insert("coherence", [0.1, 0.3])?;
    /// table.insert("choice", [Some(1), None])?;
    /// let frame = table.to_polars()?;
    /// assert_eq!(frame.shape(), (2, 2));
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// What polars refuses.
    pub fn to_polars(&self) -> Result<DataFrame> {
        let columns = self.iter().map(|(name, values)| Column::from(series(name, values))).collect();
        DataFrame::new(self.n_rows(), columns).map_err(|error| Error::argument("table", "one that polars takes", error))
    }

    /// Writes a Parquet file. An older file of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_parquet(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut frame = self.to_polars()?;
        file::write_whole(path.as_ref(), |writer| {
            let failed = |error: PolarsError| Error::io("write", path.as_ref(), std::io::Error::other(error));
            ParquetWriter::new(writer).finish(&mut frame).map(drop).map_err(failed)
        })
    }
}

fn series(name: &str, values: &[Value]) -> Series {
    /// All values by one reading, if it takes all; a missing value is `None`.
    fn all<T>(values: &[Value], read: impl Fn(&Value) -> Option<T>) -> Option<Vec<Option<T>>> {
        let one = |value: &Value| match value {
            Value::Missing => Some(None),
            value => read(value).map(Some),
        };
        values.iter().map(one).collect()
    }
    let truth = |value: &Value| if let Value::Bool(value) = value { Some(*value) } else { None };
    let whole = |value: &Value| if let Value::Int(value) = value { Some(*value) } else { None };
    let number = |value: &Value| if let Value::Bool(_) = value { None } else { value.number() };
    if let Some(values) = all(values, truth) {
        Series::new(name.into(), values)
    } else if let Some(values) = all(values, whole) {
        Series::new(name.into(), values)
    } else if let Some(values) = all(values, number) {
        Series::new(name.into(), values)
    } else {
        Series::new(name.into(), all(values, |value| Some(value.to_string())).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{DataType, ParquetReader, SerReader};

    use super::*;

    #[test]
    fn columns_keep_their_kinds_and_what_is_missing() {
        let mut table = Table::new();
        table.insert("correct", [Some(true), None, Some(false)]).unwrap();
        table.insert("choice", [Some(1), None, Some(0)]).unwrap();
        table.insert("time", [Value::Int(1), Value::Float(0.5), Value::Missing]).unwrap();
        table.insert("name", [Value::from("a"), Value::Int(1), Value::Missing]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.parquet");
        table.save_parquet(&path).unwrap();
        let frame = ParquetReader::new(std::fs::File::open(&path).unwrap()).finish().unwrap();
        assert!(frame.equals_missing(&table.to_polars().unwrap()));
        let kinds: Vec<&DataType> = frame.columns().iter().map(Column::dtype).collect();
        assert_eq!(kinds, [&DataType::Boolean, &DataType::Int64, &DataType::Float64, &DataType::String]);
        assert!(frame.columns().iter().all(|column| column.null_count() == 1));
        assert!(table.save_parquet(folder.path().join("none/trials.parquet")).is_err());
    }
}
