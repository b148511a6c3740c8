// A preset fills the fields at once, and every folded section says how many of its settings differ from the start.
// Without this script the server fills in what was left as it was.

const initial = (input) => {
  if (input.type === "checkbox") return input.defaultChecked;
  if (input.tagName !== "SELECT") return input.defaultValue;
  return (input.querySelector("option[selected]") ?? input.options[0]).value;
};
const current = (input) => (input.type === "checkbox" ? input.checked : input.value);
const put = (input, value) => {
  if (input.type === "checkbox") input.checked = value;
  else input.value = value;
};

for (const select of document.querySelectorAll("select[data-presets]")) {
  const form = select.form;
  const name = select.name.replace(/preset$/, "");
  const presets = JSON.parse(document.getElementById(`${name}filling`).textContent);
  const inputs = [...form.querySelectorAll(".settings :is(input, select, textarea)")];
  const folded = [...form.querySelectorAll("details.section")].filter((section) => section.querySelector(".settings"));
  const sections = folded.map((section) => ({
    inputs: inputs.filter((input) => section.contains(input)),
    count: section.querySelector("summary").appendChild(Object.assign(document.createElement("span"), { className: "muted" })),
  }));
  const count = () => {
    for (const section of sections) {
      const changed = section.inputs.filter((input) => current(input) !== initial(input)).length;
      section.count.textContent = changed ? ` · ${changed} changed` : "";
    }
  };

  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: `${name}filled`, value: "1" }));
  select.addEventListener("change", () => {
    for (const input of inputs) put(input, presets[select.value]?.[input.name] ?? initial(input));
    count();
  });
  form.addEventListener("input", count);
  count();
}
