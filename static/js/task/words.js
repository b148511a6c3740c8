// Which words of two texts differ: the words outside a longest common subsequence.

// Cells of the table; longer texts are shown without marks.
const MOST_CELLS = 4_000_000;

// Returns [differsA, differsB], one boolean a word, or null where the texts are too long.
export function differing(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const common = matched(a.slice(start, a.length - end), b.slice(start, b.length - end));
  if (!common) return null;
  const whole = (words, middle) => words.map((_, i) => i >= start && i < words.length - end && !middle.has(i - start));
  return [whole(a, common[0]), whole(b, common[1])];
}

// The places in `a` and in `b` of a longest common subsequence.
function matched(a, b) {
  const width = b.length + 1;
  if ((a.length + 1) * width > MOST_CELLS) return null;
  const longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  return walk(a, b, longest, width);
}

function walk(a, b, longest, width) {
  const [inA, inB] = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      inA.add(i++);
      inB.add(j++);
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return [inA, inB];
}
