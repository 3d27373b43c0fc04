// What a step may be called, as the Rust library has it: both must find each other's steps.

/** The longest name, without the number that a repeated one gets. */
const MAX_CHARS = 200;

/** What is wrong with a name. */
export function fault(name: string): string | undefined {
  if (name === "") return "must not be empty";
  if ([...name].length > MAX_CHARS) return "must not be longer than 200 characters";
  if (/\p{Cc}/u.test(name)) return "must not contain NUL or another control character";
  if (name.includes("#")) return "must not contain #, which stands before the number of a name that comes again";
  return undefined;
}

/** The name of the step that asks for a name for the `nth` time. */
export function numbered(name: string, nth: number): string {
  return nth <= 1 ? name : `${name}#${nth}`;
}
