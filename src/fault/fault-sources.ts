/** Who the catalogue of faults cites, by the letters that it uses. Only data. */

/** What the letters in the sources stand for. */
export const FAULT_SOURCES: Readonly<Record<string, string>> = {
  L: "Llama 3 report, arXiv 2407.21783, section 3.3.4 and table 5",
  H: "Alibaba HPN, SIGCOMM 2024",
  X: "NVIDIA's catalogue of Xid errors",
  P: "Insights into DeepSeek-V3, arXiv 2505.09343",
};
