/* What portable.py does in the page: `printed` gives its article for the PDF, `readable` for the EPUB. */

// What both take from a page: its article, in which links lead to what goes along or nowhere.
function taken([name, pages, ids, page]) {
    const article = document.querySelector("article.bd-article")
    article.querySelectorAll("script, style, button, a.headerlink, .film, .xavier-lab, " +
        ".on-dark, .take-along, .go-on").forEach((one) => one.remove())
    for (const one of article.querySelectorAll("details")) one.open = true
    for (const link of article.querySelectorAll("a[href]")) {
        const [file, at] = link.getAttribute("href").split("#")
        if (/^[a-z]+:/.test(file)) continue
        const to = file === "" ? name : file.replace(/\.html$/, "")
        // The settings of a table are an address, too, and no place.
        if (pages.includes(to) && !at?.includes("=")) link.setAttribute("href", page(to, at))
        else link.replaceWith(...link.childNodes)
    }
    article.querySelectorAll("h1 br").forEach((one) => one.replaceWith(" "))
    const seen = new Set()  // a name that comes again is one that nobody calls
    for (const one of article.querySelectorAll("[id]"))
        if (seen.has(one.id)) one.removeAttribute("id")
        else seen.add(one.id)
    if (ids) {
        const own = (id) => `${name}--${id}`
        article.id = own("top")
        for (const one of article.querySelectorAll("*")) {
            if (one.id) one.id = own(one.id)
            for (const { name: key, value } of [...one.attributes]) {
                if (/^aria-(labelledby|describedby)$/.test(key))
                    one.setAttribute(key, value.split(" ").map(own).join(" "))
                else if (/^(xlink:)?href$/.test(key) && one.namespaceURI.endsWith("/svg"))
                    one.setAttribute(key, value.replace(/^#/, `#${name}--`))
                else if (value.includes("url(#"))
                    one.setAttribute(key, value.replaceAll("url(#", `url(#${name}--`))
            }
        }
    }
    return article
}

function printed([name, pages]) {
    return taken([name, pages, true, (to, at) => `#${to}--${at ?? "top"}`]).outerHTML
}

function readable([name, pages]) {
    for (const item of window.MathJax?.startup?.document?.math ?? []) {
        const made = MathJax.startup.toMML(item.root)
        item.typesetRoot.outerHTML = made
    }
    const article = taken([name, pages, false, (to, at) => to + ".xhtml" + (at ? "#" + at : "")])
    const images = []
    for (const image of article.querySelectorAll("img")) {
        images.push(image.getAttribute("src"))
        image.setAttribute("src", "images/" + image.getAttribute("src").split("/").pop())
    }
    for (const one of article.querySelectorAll("*")) {
        for (const { name: key, value } of [...one.attributes]) {
            if (/^(data-|on|h?align|valign|border|width|height|role|tabindex)/.test(key) &&
                value !== "img" && !one.namespaceURI.endsWith("/svg")) one.removeAttribute(key)
            else if (value.includes("var(--ink"))
                one.setAttribute(key, value.replace(/var\(--ink-([0-9a-f]{6})[^)]*\)/g, "#$1"))
        }
    }
    const headings = [...article.querySelectorAll("h1, h2")].map((one) => [
        one.tagName, one.closest("section")?.id ?? "", one.textContent.trim()])
    return {
        body: new XMLSerializer().serializeToString(article), images, headings,
        has: ["svg", "math"].filter((tag) => article.querySelector(tag)),
    }
}
