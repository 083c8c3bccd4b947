//! evcxr's own Jupyter kernel, as it is. Notebooks must work on it, too.

fn main() -> anyhow::Result<()> {
    evcxr_jupyter::main()
}
