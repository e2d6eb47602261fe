/** Exit codes of the command, in one place; `--help` lists them and scripts rely on them. */
import { ExitCode } from "../../cluster/errors.ts";

/** What each code is called here. */
export const Exit = {
  pass: 0,
  fail: 1,
  usage: 2,
  invalid: 3,
  endedEarly: 4,
  ...ExitCode,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** The table below `--help`. */
export const EXIT_CODE_HELP = `
Exit codes:
  0   PASS: the accounts balance and every result is right
  1   FAIL: a result is wrong, or an assignment is unaccounted for
  2   wrong usage
  3   INVALID: the run cannot say (a fault never began, or it ran too late)
  4   ended early by faultplane (time limit)
  65  bad data in a file            66  file cannot be read
  69  could not start               70  internal error, or a replay differs
  73  output cannot be created      74  input/output error
  75  the coordinator is gone, or refuses for now
  77  not permitted                 78  bad configuration
  129, 130, 143  stopped by SIGHUP, SIGINT (Ctrl-C), SIGTERM`;
