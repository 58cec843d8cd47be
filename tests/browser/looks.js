// For axe, which computes the contrast of every text anew, each word of code included: contrast
// depends on a text's look alone, so let it do so for the longest visible text of every look.
;(() => {
    const grounds = new Map([[null, ""]])
    const ground = (element) => {
        if (!grounds.has(element)) {
            const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element)
            const own = [backgroundColor, backgroundImage, opacity].join()
            const behind = ground(element.parentElement)
            grounds.set(element, own === "rgba(0, 0, 0, 0),none,1" ? behind : `${behind}/${own}`)
        }
        return grounds.get(element)
    }
    const longest = new Map()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement
        const length = texts.currentNode.data.trim().length
        if (!length || !element.checkVisibility({ visibilityProperty: true })) continue
        const { color, fontSize, fontWeight, textShadow } = getComputedStyle(element)
        const look = [color, fontSize, fontWeight, textShadow, ground(element)].join()
        if (!(longest.get(look)?.length >= length)) longest.set(look, { element, length })
    }
    for (const marked of document.querySelectorAll("[data-look]")) delete marked.dataset.look
    for (const { element } of longest.values()) element.dataset.look = ""
    axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] })
})()
