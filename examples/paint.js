// Colours for a terminal that shows them: none when the output is a file or a pipe, or NO_COLOR is set.

const CODES = { bold: 1, dim: 2, red: 31, green: 32, magenta: 35 };

const coloured = Boolean(process.stdout.isTTY && !process.env.NO_COLOR);

/** `text` in a style of `CODES`, as the terminal wants it. */
function paint(style, text) {
  return coloured && text ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

module.exports = { paint };
