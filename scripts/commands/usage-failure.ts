/** What was wrong with the words of a command, in the words of our own errors. */
import { didYouMean } from "../../src/base/suggest.ts";
import { usageError } from "./option-values.ts";

/** A command as commander has it. */
interface ParsedCommand {
  readonly options: readonly {
    readonly long?: string | undefined;
    readonly short?: string | undefined;
  }[];
  name(): string;
}

/** The whole program. */
interface ParsedProgram extends ParsedCommand {
  readonly commands: readonly ParsedCommand[];
  readonly args: readonly string[];
}

/** A commander error as one of ours, with a suggestion where a word was mistyped. */
export function usageFailure(
  error: { readonly code: string; readonly message: string },
  program: ParsedProgram,
): Error {
  const words = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const active: ParsedCommand =
    program.commands.find((command) => command.name() === program.args[0]) ?? program;
  const help =
    active === program ? "see faultplane --help" : `see faultplane ${active.name()} --help`;
  const asked = (kind: string, word: string, allowed: readonly string[]): Error => {
    const meant = didYouMean(word, allowed);
    const shown = word.length > 80 ? `${word.slice(0, 80)}...` : word;
    return usageError(
      "E040",
      `unknown ${kind} '${shown}'${meant === undefined ? "" : `; ${meant}`}`,
      help,
    );
  };
  const long = words.split(/[ ,]+/).find((word) => word.startsWith("--")) ?? words;
  switch (error.code) {
    case "commander.unknownOption": {
      const flags = active.options.flatMap((option) => [option.long ?? "", option.short ?? ""]);
      return asked("option", words, [...flags.filter((flag) => flag !== ""), "--help"]);
    }
    case "commander.unknownCommand":
      return asked(
        "command",
        words,
        program.commands.map((command) => command.name()),
      );
    case "commander.optionMissingArgument":
      return usageError("E040", `${long} needs a value`, help);
    case "commander.missingArgument":
      return usageError("E040", `${active.name()} needs <${words}>`, help);
    case "commander.excessArguments":
      return usageError("E040", `too many arguments for ${active.name()}`, help);
    default:
      return usageError("E040", error.message.replace(/^error: /, ""), help);
  }
}
