//! tidy
pub(crate) fn tidy() -> anyhow::Result<()> {
    anyhow::bail!("x")
}
