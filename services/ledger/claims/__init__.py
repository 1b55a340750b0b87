"""Claims for credits that no provider reports (学分申请)."""
