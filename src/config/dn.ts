// Distinguished names as text (RFC 4514): enough to tell a slip of the pen and what lies in what. The platform decides.

/** The parts of a DN, split at commas that no backslash escapes. */
function parts(dn: string): readonly string[] {
  return dn.split(/(?<=(?<!\\)(?:\\\\)*),/).map((part) => part.trim())
}

/** Does it look like a DN: `attribute=value` parts with commas between them? */
export function looksLikeDn(text: string): boolean {
  return parts(text).every((part) => /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*\S/.test(part))
}

/** Is `dn` the same as `base`, or inside it? Regardless of case and of spaces around commas and equals signs. */
export function isWithin(dn: string, base: string): boolean {
  const [inner, outer] = [canonical(dn), canonical(base)]
  return outer.every((part, index) => part === inner[inner.length - outer.length + index])
}

function canonical(dn: string): readonly string[] {
  return parts(dn.toLowerCase()).map((part) => part.replace(/\s*=\s*/, '='))
}
