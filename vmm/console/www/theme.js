// SPDX-License-Identifier: Apache-2.0
// theme: light, dark, or as the system has it; set before the first paint
(() => {
	let kept = null;
	try {
		kept = localStorage.getItem("theme");
	} catch {
		// a browser that keeps nothing: as the system has it
	}
	if (kept === "light" || kept === "dark")
		document.documentElement.dataset.theme = kept;
})();
